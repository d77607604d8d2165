import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod } from "node:fs/promises";
import path from "node:path";
import { inspect } from "node:util";
import { BinaryNotFoundError, SpawnError } from "../../../lib/errors/start-errors.js";
import { explainSpawnFailure } from "../../../lib/runtime/spawn-failure.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { writeTree } from "./file-tree.js";

let temp: TempDir;
let root: string;

beforeEach(async () => {
  temp = await makeTempDir();
  root = temp.path;
});

afterEach(async () => {
  await temp.remove();
});

/** What the operating system of this machine says about starting `command`, put into words. */
async function startFailure(command: string, args: string[] = [], cwd?: string) {
  try {
    const child = spawn(command, args, { cwd, stdio: "ignore" });
    await once(child, "spawn");
    child.kill();
    await once(child, "close");
  } catch (error) {
    return explainSpawnFailure(error as NodeJS.ErrnoException, command, cwd);
  }
  throw new Error("it did start");
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`spawn ${code}`), { code });
}

describe("a real start that fails", () => {
  test("because nothing is there lists the file and how to get one", async () => {
    const error = await startFailure(path.join(root, "codex"));
    expect(error).toBeInstanceOf(BinaryNotFoundError);
    expect(error.message).toContain(`${root}/codex: no such file`);
    expect(error.message).toMatch(/npm install @openai\/codex@\d+\.\d+\.\d+$/);
  });

  test("because no such program is on the PATH says that", async () => {
    const error = await startFailure("no-such-program-anywhere");
    expect(error.message).toContain(
      "no-such-program-anywhere: no program of that name on the PATH",
    );
  });

  test("because the file is not executable gives the command that changes it", async () => {
    await writeTree(root, { codex: "plain", "with space/it's": "plain" });
    const error = await startFailure(path.join(root, "codex"));
    expect(error).toBeInstanceOf(SpawnError);
    expect(error.message).toBe(
      `Could not start ${root}/codex: it is not executable. Run: chmod +x ${root}/codex`,
    );
    const spaced = await startFailure(path.join(root, "with space/it's"));
    expect(spaced.message).toContain(`chmod +x '${root}/with space/it'\\''s'`);
  });

  test("because it is a directory says that", async () => {
    await writeTree(root, { "codex/file": "x" });
    const error = await startFailure(path.join(root, "codex"));
    expect(error.message).toContain("it is a directory: name the program in it.");
  });

  test("because its interpreter is missing does not claim that the file is", async () => {
    await writeTree(root, { codex: "#!/no/such/interpreter\n" });
    const error = await startFailure(path.join(root, "codex"));
    expect(error).toBeInstanceOf(SpawnError);
    expect(error.message).toContain("the interpreter or loader that it names is missing");
  });

  test("because the working directory is gone does not claim that the program is", async () => {
    const error = await startFailure(process.execPath, [], path.join(root, "gone"));
    expect(error).toBeInstanceOf(SpawnError);
    expect(error.message).toContain(
      `its working directory ${root}/gone does not exist. Make it, or correct cwd.`,
    );
  });

  test("because the arguments are too large says where they come from, and not what they are", async () => {
    const secret = "hunter2";
    const error = await startFailure(process.execPath, [secret.repeat(5_000_000)]);
    expect(error.message).toContain("its arguments and environment are too large");
    expect(inspect(error)).not.toContain(secret);
  });

  test("keeps the arguments out of what a log would print", async () => {
    const error = await startFailure(path.join(root, "codex"), ["-c", "key=hunter2"]);
    expect(inspect(error, { depth: 5 })).not.toContain("hunter2");
  });
});

describe("an error of the system", () => {
  test.each([
    ["ENOEXEC", `this machine is ${process.platform}/${process.arch}`],
    ["EFTYPE", "it is built for another machine, or not a program"],
    ["UNKNOWN", "it is built for another machine, or not a program"],
    ["Unknown system error -86", "it is built for another machine, or not a program"],
    ["EMFILE", "too many files are open (EMFILE)"],
    ["ENFILE", "too many files are open (ENFILE)"],
    ["EAGAIN", "no memory or process left for it (EAGAIN)"],
    ["ENAMETOOLONG", "its arguments and environment are too large"],
    ["EINVAL", "(EINVAL)"],
    ["EIO", "the system rejected it (EIO)"],
  ])("%s is put into words", (code, words) => {
    const error = explainSpawnFailure(failure(code), "/bin/codex");
    expect(error).toBeInstanceOf(SpawnError);
    expect(error).toMatchObject({ code: "SPAWN_FAILED", command: "/bin/codex" });
    expect(error.message).toContain(words);
  });

  test("that denies an executable file names what else can deny it", async () => {
    await writeTree(root, { codex: "#!/bin/sh\n" });
    const file = path.join(root, "codex");
    await chmod(file, 0o755);
    const error = explainSpawnFailure(failure("EACCES"), file);
    expect(error.message).toContain("permission denied");
    expect(error.message).not.toContain("chmod");
  });

  test("without a code still gives an error of ours", () => {
    expect(explainSpawnFailure(new Error("?"), "codex").message).toContain("no code");
  });
});
