import { expect, jest, test } from "@jest/globals";
import * as childProcess from "node:child_process";

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
  });
});
