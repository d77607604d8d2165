import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

export interface TempDir {
  /** Absolute, with symbolic links resolved, as the server reports paths. */
  readonly path: string;
  remove(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function makeTempDir(prefix = "codex-test-"): Promise<TempDir> {
  const directory = await realpath(await mkdtemp(path.join(tmpdir(), prefix)));
  // A process that has just ended may still have files in flight on a slow disk.
  const remove = () =>
    rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  return { path: directory, remove, [Symbol.asyncDispose]: remove };
}
