import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

/** Replaces a file in one step. Resolves with whether there was anything to change. */
export async function writeIfChanged(
  file: string,
  text: string,
  dryRun: boolean,
): Promise<"changed" | "unchanged"> {
  const before = await readFile(file, "utf8").catch(() => undefined);
  if (before === text) return "unchanged";
  if (dryRun) return "changed";
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
  return "changed";
}
