import { copyFile, mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { RunCommand } from "../run-command.js";
import { exists } from "./disk.js";
import type { Release } from "./release.js";
import { runtimeTargets } from "../../lib/runtime/platform.js";

/**
 * Lets npm bring package-lock.json in line with package.json, in a folder of its own with nothing else,
 * and holds the checksums in it against those of the release. A checkout without such a file gets none.
 */
export async function updateLockFile(
  project: string,
  folder: string,
  { manifest, integrity }: Release,
  { run, signal }: { run: RunCommand; signal: AbortSignal },
): Promise<void> {
  const name = "package-lock.json";
  if (!(await exists(path.join(project, name)))) return;
  await mkdir(folder, { recursive: true });
  for (const each of ["package.json", name, ".npmrc"]) {
    const file = path.join(project, each);
    if (await exists(file)) await copyFile(file, path.join(folder, each));
  }
  const args = ["install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", args, { cwd: folder, signal });
  const lock = JSON.parse(await readFile(path.join(folder, name), "utf8")) as LockFile;
  const expected = new Map([[manifest.package, integrity]]);
  for (const { packageName, triple } of runtimeTargets) {
    const platform = manifest.platforms[triple];
    if (platform) expected.set(packageName, platform.integrity);
  }
  for (const [each, checksum] of expected) {
    if (lock.packages?.[`node_modules/${each}`]?.integrity !== checksum) {
      throw new Error(`${name} would not have the checksum of ${each} that the registry states.`);
    }
  }
  await copyFile(path.join(folder, name), path.join(project, name));
}

interface LockFile {
  readonly packages?: Readonly<Record<string, { readonly integrity?: string }>>;
}
