import { describe, expect, test } from "@jest/globals";
import path from "node:path";
import { AppServerClient } from "../../../../lib/client.js";
import { rejection } from "../../../support/collect.js";
import { linked, LinkedServer, ResponseError } from "../../../support/linked-server.js";
import { makeTempDir } from "../../../support/temp-dir.js";

const ended = (exitCode: number, stderr = "") => ({ exitCode, stdout: "", stderr });
const notStarted = () =>
  new ResponseError(-32_603, "failed to spawn command: No such file or directory (os error 2)");

describe("the check of the sandbox", () => {
  test("runs the simplest command in the server's own sandbox, with a time limit", async () => {
    await using pair = await linked();
    pair.server.handle("command/exec", () => ended(0));
    expect(await pair.client.sandbox.check()).toEqual({ works: true });
    const [params] = pair.server.paramsOf("command/exec");
    expect(params).toMatchObject({ command: ["true"], timeoutMs: 30_000 });
    expect(params).not.toHaveProperty("sandboxPolicy");
  });

  test("takes a sandbox, a profile, a directory and a time limit", async () => {
    await using pair = await linked();
    pair.server.handle("command/exec", () => ended(0));
    await pair.client.sandbox.check({ sandbox: "read-only", cwd: "/project", timeoutMs: 5_000 });
    await pair.client.sandbox.check({ permissionProfile: ":read-only" });
    expect(pair.server.paramsOf("command/exec")).toMatchObject([
      { sandboxPolicy: { type: "readOnly" }, cwd: "/project", timeoutMs: 5_000 },
      { permissionProfile: ":read-only" },
    ]);
    const bad = { sandbox: "bogus" } as object;
    expect(await rejection(pair.client.sandbox.check(bad))).toMatchObject({ argument: "sandbox" });
    const misspelt = { sandbx: "read-only" } as object;
    expect(await rejection(pair.client.sandbox.check(misspelt))).toMatchObject({
      message: "sandbx is not an option of sandbox.check(). Did you mean sandbox?",
    });
  });

  // What codex 0.169.0 and the programs below it have said.
  test.each([
    [
      "forbidden",
      "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)\n",
    ],
    [
      "forbidden",
      "bwrap: No permissions to create a new namespace, likely because the kernel does not allow " +
        "non-privileged user namespaces. On e.g. debian this can be enabled with " +
        "'sysctl kernel.unprivileged_userns_clone=1'.\n",
    ],
    ["forbidden", "bwrap: setting up uid map: Operation not permitted\n"],
    ["forbidden", "bwrap: Can't mount proc on /newroot/proc: Operation not permitted\n"],
    ["forbidden", "error building bubblewrap command: Permission denied (os error 13)\n"],
    ["forbidden", "sandbox-exec: sandbox_apply: Operation not permitted\n"],
    [
      "bubblewrapMissing",
      "\nthread 'main' (15382) panicked at linux-sandbox/src/launcher.rs:60:13:\nbubblewrap is unavailable: " +
        "no system bwrap was found on PATH and no bundled codex-resources/bwrap binary was found next to " +
        "the Codex executable\n",
    ],
    ["unknown", "something else\n"],
  ] as const)("tells why it does not work: %s", async (reason, stderr) => {
    await using pair = await linked();
    pair.server.handle("command/exec", () => ended(1, stderr));
    const check = await pair.client.sandbox.check();
    expect(check).toMatchObject({ works: false, reason, exitCode: 1, stderr });
  });

  test("knows that the sandbox works where there is no such program in it", async () => {
    await using pair = await linked();
    const words = "Failed to execvp true: No such file or directory (os error 2)\n";
    pair.server.handle("command/exec", () => ended(101, `\nthread 'main' panicked:\n${words}`));
    expect(await pair.client.sandbox.check()).toEqual({ works: true });
  });

  test("asks Windows in its own words", async () => {
    await using pair = await linked();
    pair.server.handle("command/exec", ({ command }) => {
      if ((command as string[])[0] === "true") throw notStarted();
      return ended(0);
    });
    expect(await pair.client.sandbox.check()).toEqual({ works: true });
    const [, second] = pair.server.paramsOf("command/exec");
    expect(second).toMatchObject({ command: ["cmd.exe", "/d", "/c", "exit 0"] });
  });

  test("tells when nothing can be started at all", async () => {
    await using pair = await linked();
    pair.server.handle("command/exec", () => {
      throw notStarted();
    });
    expect(await pair.client.sandbox.check()).toMatchObject({
      works: false,
      reason: "unknown",
      message: expect.stringContaining(
        "Check on the server's machine that the program is on the PATH",
      ),
      exitCode: null,
    });
  });

  test("throws what is no news about the sandbox", async () => {
    await using pair = await linked();
    pair.server.handle("command/exec", () => {
      throw new ResponseError(-32_600, "no");
    });
    expect(await rejection(pair.client.sandbox.check())).toMatchObject({ code: "INVALID_REQUEST" });
    const stopped = pair.client.sandbox.check({ signal: AbortSignal.abort("enough") });
    expect(await rejection(stopped)).toBe("enough");
  });
});

describe("a command that is not started", () => {
  /** A client whose own server was started from this file. */
  async function startedFrom(runtimeFile: string) {
    const server = new LinkedServer();
    server.handle("command/exec", () => {
      throw notStarted();
    });
    const client = await AppServerClient.attach(server.transport, {}, { runtimeFile });
    return { client, [Symbol.asyncDispose]: () => client.close() };
  }

  test("names a runtime that is gone, unless it is started without a sandbox", async () => {
    await using directory = await makeTempDir();
    const file = path.join(directory.path, "codex");
    await using pair = await startedFrom(file);
    const error = await rejection(pair.client.exec(["true"]).exit);
    expect(error).toMatchObject({ code: "COMMAND_NOT_STARTED", missingRuntime: file });
    expect((error as Error).message).toContain(`${file} is gone`);
    expect(await pair.client.sandbox.check()).toMatchObject({ reason: "runtimeMissing" });
    for (const sandbox of ["danger-full-access", { type: "externalSandbox" }] as const) {
      expect(await rejection(pair.client.exec(["true"], { sandbox }).exit)).toMatchObject({
        missingRuntime: undefined,
      });
    }
  });

  test("does not blame one that is there, nor that of a server that was not started here", async () => {
    await using own = await startedFrom(process.execPath);
    await using pair = await linked();
    pair.server.handle("command/exec", () => {
      throw notStarted();
    });
    for (const client of [own.client, pair.client]) {
      const error = await rejection(client.exec(["true"]).exit);
      expect(error).toMatchObject({ missingRuntime: undefined });
      expect((error as Error).message).toContain("start the server again");
    }
  });
});
