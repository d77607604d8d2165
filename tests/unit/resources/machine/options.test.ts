import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError } from "../../../../lib/errors/invalid-argument-error.js";
import type {
  ExecOptions,
  SpawnOptions,
} from "../../../../lib/resources/machine/command-options.js";
import { linked } from "../../../support/linked-server.js";

/** Callers may be JavaScript. */
const loose = (value: unknown): never => value as never;

test.each<[argument: string, command: readonly string[], options: ExecOptions]>([
  ["command", [], {}],
  ["command", loose("git status"), {}],
  ["command", loose(undefined), {}],
  ["command", ["echo", loose(7)], {}],
  ["command[0]", ["", "a"], {}],
  ["stdin", ["cat"], { stdin: loose(7) }],
  ["stdin", ["cat"], { stdin: loose(null) }],
  ["streamOutput", ["cat"], { tty: true, streamOutput: false }],
  ["size", ["cat"], { size: { cols: 80, rows: 24 } }],
  ["size.cols", ["cat"], { tty: true, size: { cols: 0, rows: 24 } }],
  ["size.rows", ["cat"], { tty: true, size: { cols: 80, rows: 65_536 } }],
  ["size.rows", ["cat"], { tty: true, size: { cols: 80, rows: 1.5 } }],
  ["timeoutMs", ["cat"], { timeoutMs: 0 }],
  ["timeoutMs", ["cat"], { timeoutMs: Number.NaN }],
  ["timeoutMs", ["cat"], { timeoutMs: loose("5") }],
  ["signal", ["cat"], { signal: loose({ aborted: false }) }],
  ["outputBytesCap", ["cat"], { outputBytesCap: -1 }],
  ["maxCollectedBytes", ["cat"], { maxCollectedBytes: 1.5 }],
  ["maxBacklogBytes", ["cat"], { maxBacklogBytes: Number.NaN }],
  ["sandbox", ["cat"], { sandbox: loose("readOnly") }],
  ["permissionProfile", ["cat"], { sandbox: "read-only", permissionProfile: ":workspace" }],
])("a wrong %s is refused before anything is sent: %j %j", async (argument, command, options) => {
  await using pair = await linked();
  const { client, server } = pair;
  let thrown: unknown;
  try {
    client.exec(command, options);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(InvalidArgumentError);
  expect(thrown).toMatchObject({ argument });
  expect(server.paramsOf("command/exec")).toEqual([]);
});

test.each(["", undefined, 7])("spawn wants to know where: %j", async (cwd) => {
  await using pair = await linked();
  expect(() => pair.client.spawn(["ls"], { cwd: loose(cwd) })).toThrow(InvalidArgumentError);
});

test.each(["sub", "./sub", "~/sub"])(
  "spawn wants to know where, absolutely, of a server that does not share our files: %j",
  async (cwd) => {
    await using pair = await linked();
    const { exit } = pair.client.spawn(["ls"], { cwd });
    await expect(exit).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "cwd" });
    expect(pair.server.paramsOf("process/spawn")).toEqual([]);
  },
);

async function execParams(options: ExecOptions) {
  await using pair = await linked();
  void pair.client.exec(["tool", "-v"], options);
  const { params } = await pair.server.nextRequest("command/exec");
  return params;
}

async function spawnParams(options: Omit<SpawnOptions, "cwd">) {
  await using pair = await linked();
  void pair.client.spawn(["tool", "-v"], { cwd: "/project", ...options });
  const { params } = await pair.server.nextRequest("process/spawn");
  return params;
}

const plain = {
  command: ["tool", "-v"],
  env: null,
  tty: false,
  streamStdin: false,
  streamStdoutStderr: true,
};

describe("what is sent", () => {
  test("without options: no limit of time or output, no stdin, no sandbox of its own", async () => {
    const { processId, ...rest } = await execParams({});
    expect(rest).toEqual({ ...plain, disableTimeout: true, disableOutputCap: true });
    expect(processId).toMatch(/^[0-9a-f-]{36}$/);
    const { processHandle, ...spawned } = await spawnParams({});
    expect(spawned).toEqual({ ...plain, cwd: "/project", timeoutMs: null, outputBytesCap: null });
    expect(processHandle).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("with options, each in the field that the server has for it", async () => {
    const options = {
      env: { A: "1", B: null, C: undefined },
      stdin: true,
      timeoutMs: 1.5,
      outputBytesCap: 9,
    };
    const common = { env: { A: "1", B: null }, streamStdin: true, timeoutMs: 2, outputBytesCap: 9 };
    const { processId, ...rest } = await execParams({ ...options, cwd: "/sub" });
    expect(rest).toEqual({ ...plain, ...common, cwd: "/sub" });
    expect(processId).toMatch(/./);
    expect(await spawnParams(options)).toMatchObject({ ...plain, ...common });
  });

  test("with a terminal and its size", async () => {
    const size = { cols: 100, rows: 30 };
    const options = { tty: true, size };
    expect(await execParams(options)).toMatchObject({ tty: true, size });
    expect(await spawnParams(options)).toMatchObject({ tty: true, size });
  });

  test("never an infinite number", async () => {
    const options = { timeoutMs: Infinity, outputBytesCap: Infinity };
    expect(await execParams(options)).toMatchObject({
      disableTimeout: true,
      disableOutputCap: true,
    });
    expect(await spawnParams(options)).toMatchObject({ timeoutMs: null, outputBytesCap: null });
  });

  test("output that the server collects is capped by what is wanted of it", async () => {
    const cap = async (options: ExecOptions) => {
      const params = await execParams({ ...options, streamOutput: false });
      expect(params).toMatchObject({ streamStdoutStderr: false });
      return params["outputBytesCap"] ?? params["disableOutputCap"];
    };
    expect(await cap({})).toBe(1_048_576);
    expect(await cap({ maxCollectedBytes: 50 })).toBe(50);
    expect(await cap({ maxCollectedBytes: 50, outputBytesCap: 20 })).toBe(20);
    expect(await cap({ maxCollectedBytes: Infinity })).toBe(true);
  });

  test("a sandbox by name or whole; the workspace is where the command runs", async () => {
    const policy = async (options: ExecOptions) => (await execParams(options))["sandboxPolicy"];
    const workspace = { type: "workspaceWrite", networkAccess: false };
    expect(await policy({ sandbox: "read-only" })).toMatchObject({ type: "readOnly" });
    expect(await policy({ sandbox: "workspace-write" })).toMatchObject({
      ...workspace,
      writableRoots: [],
    });
    expect(await policy({ sandbox: "workspace-write", cwd: "/there" })).toMatchObject({
      ...workspace,
      writableRoots: ["/there"],
    });
    const whole = { type: "workspaceWrite" as const, writableRoots: ["/a"] };
    expect(await policy({ sandbox: whole, cwd: "/there" })).toEqual(whole);
    expect(await policy({ permissionProfile: ":read-only" })).toBeUndefined();
  });
});
