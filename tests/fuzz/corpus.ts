import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL("../fixtures/fuzz-corpus", import.meta.url));

export interface CorpusEntry {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The inputs that are kept: what servers send, odd cases, and what was found once. */
export async function readCorpus(): Promise<CorpusEntry[]> {
  const names = (await readdir(directory)).filter((name) => name !== "README.md").sort();
  return Promise.all(
    names.map(async (name) => ({ name, bytes: await readFile(path.join(directory, name)) })),
  );
}

/** Adds what was found, and gives the file's path. */
export async function keepFinding(bytes: Buffer): Promise<string> {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const file = path.join(directory, `found-${hash}.txt`);
  await writeFile(file, bytes);
  return file;
}
