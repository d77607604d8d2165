import { describe, expect, test } from "@jest/globals";
import {
  RequestTimeoutError,
  TransportClosedError,
} from "../../../../lib/errors/connection-errors.js";
import { CommandNotStartedError } from "../../../../lib/errors/machine-errors.js";
import { collect, rejection, settled } from "../../../support/collect.js";
import { later, linked, ResponseError, type LinkedServer } from "../../../support/linked-server.js";
import { countListeners } from "./commands.js";

const options = { cwd: "/project" };

function handleOf(server: LinkedServer): unknown {
  return server.paramsOf("process/spawn").at(-1)?.["processHandle"];
}

function exited(server: LinkedServer, ending = {}): void {
  server.notify("process/exited", {
    processHandle: handleOf(server),
    exitCode: 0,
    stdout: "",
    stdoutCapReached: false,
    stderr: "",
    stderrCapReached: false,
    ...ending,
  });
}

function output(server: LinkedServer, text: string, stream = "stdout"): void {
  const deltaBase64 = Buffer.from(text).toString("base64");
  const processHandle = handleOf(server);
  server.notify("process/outputDelta", { processHandle, stream, deltaBase64, capReached: false });
}

describe("a process", () => {
  test("ends with process/exited, after its output", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const command = client.spawn(["tool"], options);
    await server.nextRequest("process/spawn");
    output(server, "out");
    output(server, "err", "stderr");
    exited(server, { exitCode: 7 });
    expect(await command.exit).toEqual({
      exitCode: 7,
      stdout: "out",
      stderr: "err",
      stdoutTruncated: false,
      stderrTruncated: false,
      timedOut: false,
    });
    expect(await collect(command.stdout.text())).toEqual(["out"]);
  });

  test("may end before the server has answered that it began", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const counts = countListeners(client);
    server.handle("process/spawn", () => {
      output(server, "quick");
      exited(server);
      return {};
    });
    const command = client.spawn(["tool"], options);
    expect(await command.exit).toMatchObject({ exitCode: 0, stdout: "quick" });
    expect([...counts.values()]).toEqual([0, 0]);
  });

  test("is written to, sized and killed by its handle", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const command = client.spawn(["tool"], { ...options, tty: true });
    await command.write("a");
    await command.resize({ cols: 9, rows: 8 });
    await command.terminate();
    const processHandle = handleOf(server);
    expect(server.paramsOf("process/writeStdin")).toEqual([{ processHandle, deltaBase64: "YQ==" }]);
    expect(server.paramsOf("process/resizePty")).toEqual([
      { processHandle, size: { cols: 9, rows: 8 } },
    ]);
    expect(server.paramsOf("process/kill")).toEqual([{ processHandle }]);
    exited(server, { exitCode: 137 });
    await command.exit;
  });

  test("whose output the server collects tells what was left out", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const command = client.spawn(["tool"], { ...options, streamOutput: false });
    await server.nextRequest("process/spawn");
    exited(server, { stdout: "much", stdoutCapReached: true, stderr: "less" });
    expect(await command.exit).toMatchObject({
      stdout: "much",
      stdoutTruncated: true,
      stderr: "less",
      stderrTruncated: false,
    });
  });

  test("that cannot be started is not killed either", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("process/spawn", () => {
      throw new ResponseError(-32_603, "failed to spawn process: Permission denied (os error 13)");
    });
    const command = client.spawn(["tool"], options);
    expect(await rejection(command.exit)).toBeInstanceOf(CommandNotStartedError);
    await settled();
    expect(server.paramsOf("process/kill")).toEqual([]);
  });

  test("that may have started, since nobody answered, is killed", async () => {
    await using pair = await linked({ requestTimeoutMs: 50 });
    const { client, server } = pair;
    server.handle("process/spawn", () => later);
    const command = client.spawn(["tool"], options);
    expect(await rejection(command.exit)).toBeInstanceOf(RequestTimeoutError);
    const { params } = await server.nextRequest("process/kill");
    expect(params).toEqual({ processHandle: handleOf(server) });
  });

  test("fails when the connection is lost, and leaves nothing behind", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const counts = countListeners(client);
    const command = client.spawn(["tool"], options);
    await server.nextRequest("process/spawn");
    await settled();
    output(server, "half");
    server.crash({ exitCode: 1 });
    expect(await rejection(command.exit)).toBeInstanceOf(TransportClosedError);
    expect(await rejection(collect(command.stdout))).toBeInstanceOf(TransportClosedError);
    expect([...counts.values()]).toEqual([0, 0]);
  });
});
