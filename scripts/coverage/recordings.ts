import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { MessageKind } from "./protocol.js";

/** What a run of the tests has noted about one test file. */
export interface Recording {
  /** From the root of the project: `tests/real/threads.test.ts`. */
  readonly file: string;
  readonly touched: Readonly<Record<MessageKind, readonly string[]>>;
}

/** A test file as it is now, and what it touched when it ran last. */
export interface TestFile extends Recording {
  readonly text: string;
}

/** The recordings of a folder whose test files still exist, in the order of their names. */
export async function readRecordings(root: string, folder: string): Promise<TestFile[]> {
  const names = await readdir(folder).catch(() => []);
  const files: TestFile[] = [];
  for (const name of names.sort()) {
    const recording = JSON.parse(await readFile(join(folder, name), "utf8")) as Recording;
    const text = await readFile(join(root, recording.file), "utf8").catch(() => undefined);
    if (text !== undefined) files.push({ ...recording, text });
  }
  return files;
}
