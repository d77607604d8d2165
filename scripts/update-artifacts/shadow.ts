import type { Stats } from "node:fs";
import { lstat, mkdir, readdir, symlink } from "node:fs/promises";
import path from "node:path";
import { exists, type Disk } from "./disk.js";

/** Not copied, wherever they stand. */
const skipped = new Set(["node_modules", ".git"]);
/** Not copied from the root: made anew, or large and of no use. */
const skippedAtRoot = new Set(["dist", "coverage", ".cache", ".update-artifacts"]);

/**
 * Copies a checkout, so that everything is made and tried in the copy while the checkout stays as it is.
 * Its packages are links to those of the checkout; those of `@openai` are linked one by one, to be
 * replaced.
 */
export async function makeShadow(root: string, shadow: string, disk: Disk): Promise<void> {
  await disk.mkdir(shadow, { recursive: true });
  // One by one: a folder cannot be copied into itself as a whole.
  for (const name of await readdir(root)) {
    if (!isCopied(name)) continue;
    await disk.cp(path.join(root, name), path.join(shadow, name), {
      recursive: true,
      verbatimSymlinks: true,
      filter: async (source) =>
        isCopied(path.relative(root, source)) && isPlain(await lstat(source)),
    });
  }
  const modules = path.join(root, "node_modules");
  await linkEach(modules, path.join(shadow, "node_modules"), (name) => name !== "@openai");
  await linkEach(path.join(modules, "@openai"), path.join(shadow, "node_modules", "@openai"));
  // Its links are relative ones, and have to lead to the packages of the copy.
  const bin = path.join(modules, ".bin");
  const to = path.join(shadow, "node_modules", ".bin");
  if (await exists(bin)) await disk.cp(bin, to, { recursive: true, verbatimSymlinks: true });
}

/** An editor may have its sockets in a checkout. */
function isPlain(entry: Stats): boolean {
  return entry.isFile() || entry.isDirectory() || entry.isSymbolicLink();
}

function isCopied(place: string): boolean {
  const parts = place.split(path.sep);
  const [first = "", second] = parts;
  if (parts.some((part) => skipped.has(part)) || skippedAtRoot.has(first)) return false;
  // Bundles are folders, and everything else there are files.
  return first !== "vendor-bin" || second === undefined || /^[^.]+\./.test(second);
}

async function linkEach(
  from: string,
  to: string,
  isLinked: (name: string) => boolean = () => true,
): Promise<void> {
  await mkdir(to, { recursive: true });
  const entries = await readdir(from, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const { name } = entry;
    if (!isLinked(name) || name.startsWith(".")) continue;
    // A junction needs no privilege on Windows.
    const type = entry.isDirectory() ? "junction" : "file";
    await symlink(path.join(from, name), path.join(to, name), type);
  }
}
