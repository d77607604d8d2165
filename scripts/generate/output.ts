import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { GeneratedFiles } from "./generate.js";

/**
 * How `folder` differs from the files that belong there: one line each for a file that is changed,
 * missing, or extra. Empty when nothing differs.
 */
export async function compareFiles(folder: string, files: GeneratedFiles): Promise<string[]> {
  const present = await listFiles(folder);
  const problems = present.filter((path) => !files.has(path)).map((path) => `extra: ${path}`);
  for (const [path, text] of files) {
    if (!present.includes(path)) problems.push(`missing: ${path}`);
    else if ((await readFile(join(folder, path), "utf8")) !== text)
      problems.push(`changed: ${path}`);
  }
  return problems.sort();
}

/** Makes `folder` hold exactly the given files. */
export async function writeFiles(folder: string, files: GeneratedFiles): Promise<void> {
  for (const path of await listFiles(folder)) {
    if (!files.has(path)) await rm(join(folder, path));
  }
  for (const [path, text] of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

async function listFiles(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}
