import { readdir } from "node:fs/promises";
import path from "node:path";
import type { FileChange } from "./apply.js";
import { isCrlf } from "./changelog.js";
import { readIfThere } from "./disk.js";
import { hashOf } from "./journal.js";

/** All that an update may change in a checkout, besides `node_modules` and bundles. */
export const updated = {
  files: [
    "package.json",
    "package-lock.json",
    "vendor-bin/manifest.json",
    "docs/coverage.md",
    // The methods that only older releases have; the generator adds those that this one has dropped.
    "scripts/generate/kept.json",
    "CHANGELOG.md",
  ],
  folders: ["generated", "docs/api"],
} as const;

/** The content of each file that an update may change, by its path from the root. */
export type Snapshot = ReadonlyMap<string, Buffer>;

export async function readSnapshot(root: string): Promise<Snapshot> {
  const files = new Map<string, Buffer>();
  const read = async (place: string): Promise<void> => {
    const content = await readIfThere(path.join(root, place));
    if (content !== undefined) files.set(place, content);
  };
  for (const place of updated.files) await read(place);
  for (const folder of updated.folders) {
    const options = { recursive: true, withFileTypes: true } as const;
    const entries = await readdir(path.join(root, folder), options).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      await read(
        path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll("\\", "/"),
      );
    }
  }
  return files;
}

/** How a checkout has to change to be as its copy is now, for what an update may change. */
export function collectChanges(before: Snapshot, after: Snapshot): FileChange[] {
  const changes: FileChange[] = [];
  for (const [place, fresh] of after) {
    const old = before.get(place);
    const content = old ? withLineEndsOf(old, fresh) : fresh;
    if (!old?.equals(content)) changes.push({ path: place, from: hashOf(old), content });
  }
  for (const [place, old] of before) {
    if (!after.has(place)) changes.push({ path: place, from: hashOf(old), content: undefined });
  }
  return changes.sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** A checkout on Windows may have all files with its line ends. */
function withLineEndsOf(old: Buffer, fresh: Buffer): Buffer {
  const text = fresh.toString();
  if (!isCrlf(old.toString()) || isCrlf(text)) return fresh;
  return Buffer.from(text.replaceAll(/\r?\n/g, "\r\n"));
}
