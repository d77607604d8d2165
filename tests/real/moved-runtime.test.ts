import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { copyFile, link, mkdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { CommandNotStartedError } from "../../lib/index.js";
import { serverUnderTest } from "../support/raw-client.js";
import { RealStage, rejection } from "../support/real.js";
import { makeTempDir, type TempDir } from "../support/temp-dir.js";

let stage: RealStage;
let directory: TempDir;

beforeAll(async () => {
  // By default, the tests have no sandbox, so that they run on every machine.
  stage = await RealStage.open({ sandbox: "read-only" });
  directory = await makeTempDir();
});
afterAll(async () => {
  await stage.close();
  await directory.remove();
});

/** A runtime of its own, that may be moved; the files themselves are those of the installed one. */
async function installRuntime(name: string): Promise<{ root: string; codexPath: string }> {
  const from = path.resolve(path.dirname(serverUnderTest()), "..");
  const root = path.join(directory.path, name);
  for (const file of ["bin/codex", "codex-resources/bwrap", "codex-package.json"]) {
    const isThere = await stat(path.join(from, file)).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    const to = path.join(root, file);
    await mkdir(path.dirname(to), { recursive: true });
    await link(path.join(from, file), to).catch(() => copyFile(path.join(from, file), to));
  }
  return { root, codexPath: path.join(root, "bin/codex") };
}

/** On Linux a server starts itself again for each command in a sandbox; elsewhere the system has one. */
const startsItself = process.platform === "linux";

test("a command names the cause when the runtime was moved away under the running server", async () => {
  const { root, codexPath } = await installRuntime("moved");
  const codex = stage.codex({ codexPath });
  // Where the system allows no sandbox, the command is started all the same.
  expect(await codex.exec(["true"]).exit).toHaveProperty("exitCode");
  await rename(root, `${root}-elsewhere`);

  const outcome = await codex.exec(["true"]).exit.catch((error: unknown) => error);
  if (startsItself) {
    expect(outcome).toBeInstanceOf(CommandNotStartedError);
    expect(outcome).toMatchObject({ missingRuntime: codexPath, method: "command/exec" });
    const { message } = outcome as Error;
    expect(message).toContain(
      "The files of the runtime were moved or removed while the server ran: " +
        `${codexPath} is gone. Close this client and start another.`,
    );
    expect(await codex.sandbox.check()).toEqual({
      works: false,
      reason: "runtimeMissing",
      message,
      exitCode: null,
      stderr: "",
    });
  } else {
    expect(outcome).toMatchObject({ exitCode: 0 });
  }
});

test("a runtime that was removed has nothing to do with a command outside the sandbox", async () => {
  const { root, codexPath } = await installRuntime("removed");
  const codex = stage.codex({ codexPath });
  await codex.ready();
  await rm(root, { recursive: true });
  const sandbox = "danger-full-access";
  expect(await codex.exec(["true"], { sandbox }).exit).toMatchObject({ exitCode: 0 });
  const missing = await rejection(codex.exec(["no-such-program"], { sandbox }).exit);
  expect(missing).toBeInstanceOf(CommandNotStartedError);
  expect(missing).toMatchObject({ missingRuntime: undefined });
  expect(missing.message).toContain(
    "Check on the server's machine that the program is on the PATH",
  );
});

test("a runtime that is where it was is not blamed", async () => {
  const codex = stage.codex();
  const nowhere = await rejection(codex.exec(["true"], { cwd: "/no/such/directory" }).exit);
  expect(nowhere).toMatchObject({ code: "COMMAND_NOT_STARTED", missingRuntime: undefined });
});
