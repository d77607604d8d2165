import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readSurface } from "../../../scripts/protocol-diff/read-surface.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { writeTree } from "../runtime/file-tree.js";

let temp: TempDir;

beforeEach(async () => {
  temp = await makeTempDir();
});

afterEach(async () => {
  await temp.remove();
});

/** A program that stands for a binary of codex. */
async function program(script: string): Promise<string> {
  await writeTree(temp.path, { codex: `#!/bin/sh\n${script}\n` });
  return path.join(temp.path, "codex");
}

async function fileAt(file: string): Promise<void> {
  while (!(await stat(file).catch(() => undefined))) await sleep(5);
}

test("a release that is too old to tell its protocol is named, with one that does", async () => {
  const old =
    '[ "$1" = --version ] && echo codex-cli 0.40.0 && exit\necho "WARNING: late" >&2\necho "error: unrecognized subcommand" >&2\nexit 2';
  await expect(readSurface(await program(old))).rejects.toThrow(
    "codex 0.40.0 does not tell its protocol (unrecognized subcommand). Compare with a newer release: 0.155.1 does.",
  );
});

test("a program that is no codex is refused", async () => {
  await expect(readSurface(await program("echo hello"))).rejects.toThrow(
    /codex is no codex: it does not tell its version\.$/,
  );
});

test("a binary that is not there is named", async () => {
  const none = path.join(temp.path, "none");
  await expect(readSurface(none)).rejects.toThrow(`${none} cannot be run (spawn ${none} ENOENT).`);
});

test("a binary that never ends is ended with the signal", async () => {
  const controller = new AbortController();
  const binary = await program(`touch "${temp.path}/started"\nexec sleep 600`);
  const read = readSurface(binary, controller.signal);
  await fileAt(path.join(temp.path, "started"));
  controller.abort(new Error("enough"));
  await expect(read).rejects.toThrow("enough");
});
