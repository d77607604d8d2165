import { expect, jest, test } from "@jest/globals";
import * as childProcess from "node:child_process";
import { safeLogger } from "../../../lib/async/logger.js";
import { Connection } from "../../../lib/jsonrpc/connection.js";
import { killIfAlive } from "../../support/processes.js";

const spawn = jest.fn(childProcess.spawn);
jest.unstable_mockModule("node:child_process", () => ({ ...childProcess, spawn }));
const { startStdioTransport } = await import("../../../lib/transport/stdio-transport.js");

test("a process is started without a shell, with no window on Windows, and with the given environment", async () => {
  const args = ["-e", "process.stdin.resume()", "a b & c"];
  const env = { ONLY: "this" };
  const transport = await startStdioTransport({
    command: process.execPath,
    args,
    cwd: process.cwd(),
    env,
    detached: true,
    source: "launch",
  });
  await transport.close();
  expect(spawn).toHaveBeenCalledTimes(1);
  const [command, given, options] = spawn.mock.calls[0] ?? [];
  expect([command, given]).toEqual([process.execPath, args]);
  expect(options).toEqual({
    cwd: process.cwd(),
    env,
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
    detached: true,
  });
});

test("a process that cannot be killed is not waited for without end", async () => {
  let pid = 0;
  spawn.mockImplementationOnce(((...args: Parameters<typeof childProcess.spawn>) => {
    const child = childProcess.spawn(...args);
    // As one of another user, or one that the system does not let go of.
    child.kill = () => false;
    pid = child.pid ?? 0;
    return child;
  }) as never);
  const args = ["-e", "setInterval(() => undefined, 1_000)"];
  const transport = await startStdioTransport(
    { command: process.execPath, args, cwd: undefined, env: {}, detached: true, source: "launch" },
    { closeGraceMs: 50 },
  );
  const connection = new Connection(transport, {
    maxInFlight: 64,
    maxMessageBytes: 65_536,
    requestTimeoutMs: Infinity,
    logger: safeLogger(undefined),
    onNotification: () => undefined,
    onRequest: () => Promise.resolve(undefined),
  });
  const pending = connection.request("config/read", {}).catch((error: unknown) => error);
  try {
    await connection.close();
    expect(await connection.closed).toMatchObject({
      kind: "closed",
      exitCode: null,
      signal: null,
      error: { message: "the process could not be killed, and still runs" },
    });
    expect(await pending).toMatchObject({ code: "TRANSPORT_CLOSED" });
    expect(transport.input.destroyed && transport.output.destroyed).toBe(true);
  } finally {
    killIfAlive(pid);
  }
});
