import { describe, expect, test } from "@jest/globals";
import { buffer } from "node:stream/consumers";
import { TransportClosedError } from "../../../../lib/errors/connection-errors.js";
import {
  CommandEndedError,
  CommandNotStartedError,
} from "../../../../lib/errors/machine-errors.js";
import { CommandFailedError } from "../../../../lib/resources/machine/command-failed-error.js";
import { collect, rejection, settled } from "../../../support/collect.js";
import { later, linked, ResponseError } from "../../../support/linked-server.js";
import { abortListeners, countListeners, ExecScript } from "./commands.js";

describe("a command", () => {
  test("has output from before its answer, decoded, in the result and in the streams", async () => {
    await using pair = await linked();
    const script = new ExecScript(pair.server);
    const command = pair.client.exec(["tool"]);
    const bytes = buffer(command.stdout);
    await script.started();
    script.output("a");
    script.output(Uint8Array.of(255, 0));
    script.output("oh", "stderr");
    script.exit(3);
    expect(await command.exit).toEqual({
      exitCode: 3,
      stdout: "a\uFFFD\0",
      stderr: "oh",
      stdoutTruncated: false,
      stderrTruncated: false,
      timedOut: false,
    });
    expect([...(await bytes)]).toEqual([97, 255, 0]);
    expect(await collect(command.stderr.text())).toEqual(["oh"]);
  });

  test("gets its own output only, whatever order the commands end in", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("command/exec", () => later);
    const commands = ["one", "two", "three"].map((name) => client.exec([name]));
    const requests = await Promise.all(commands.map(() => server.nextRequest("command/exec")));
    expect(new Set(requests.map(({ params }) => params["processId"])).size).toBe(3);
    for (const request of requests.toReversed()) {
      const { processId, command } = request.params;
      const deltaBase64 = Buffer.from(String(command)).toString("base64");
      const delta = { stream: "stdout", deltaBase64, capReached: false };
      server.notify("command/exec/outputDelta", { processId, ...delta });
      server.notify("command/exec/outputDelta", { processId: "other", ...delta });
      server.respond(request, { exitCode: 0, stdout: "", stderr: "" });
    }
    const results = await Promise.all(commands.map(({ exit }) => exit));
    expect(results.map(({ stdout }) => stdout)).toEqual(["one", "two", "three"]);
  });

  test("leaves no listener behind, however it ends", async () => {
    const pair = await linked();
    const { client, server } = pair;
    const counts = countListeners(client);
    const script = new ExecScript(server);
    const abort = new AbortController();
    const ended = client.exec(["ends"], { signal: abort.signal });
    await script.started();
    expect(counts.get("command/exec/outputDelta")).toBe(1);
    expect(abortListeners(abort.signal)).toBe(1);
    script.exit();
    await ended.exit;
    expect(counts.get("command/exec/outputDelta")).toBe(0);
    expect(abortListeners(abort.signal)).toBe(0);

    server.handle("command/exec", () => {
      throw new ResponseError(
        -32_603,
        "failed to spawn command: No such file or directory (os error 2)",
      );
    });
    const refused = client.exec(["no-such-tool"], { signal: abort.signal });
    expect(await rejection(refused.exit)).toBeInstanceOf(CommandNotStartedError);
    expect(counts.get("command/exec/outputDelta")).toBe(0);
    expect(abortListeners(abort.signal)).toBe(0);

    server.handle("command/exec", () => later);
    const lost = client.exec(["is-lost"], { signal: abort.signal });
    await script.started();
    await script.started();
    server.crash({ exitCode: 1 });
    expect(await rejection(lost.exit)).toBeInstanceOf(TransportClosedError);
    expect(abortListeners(abort.signal)).toBe(0);
    await pair.client.close();
  });

  test("that fails rejects only when asked to, and its streams end in any case", async () => {
    await using pair = await linked();
    const script = new ExecScript(pair.server);
    const command = pair.client.exec(["tool"], { throwOnFailure: true });
    await script.started();
    script.output("half");
    script.exit(2);
    const error = await rejection(command.exit);
    expect(error).toBeInstanceOf(CommandFailedError);
    expect(error).toMatchObject({
      code: "COMMAND_FAILED",
      message: "The command ended, with exit code 2: see result.",
      result: { exitCode: 2, stdout: "half" },
    });
    expect(await collect(command.stdout.text())).toEqual(["half"]);
    const fine = pair.client.exec(["tool"], { throwOnFailure: true });
    await script.started();
    script.exit(0);
    expect(await fine.exit).toMatchObject({ exitCode: 0 });
  });

  test("that nobody looks at is no unhandled rejection", async () => {
    const pair = await linked();
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", listen);
    try {
      const command = pair.client.exec(["tool"], { stdin: "input" });
      await pair.server.nextRequest("command/exec");
      await pair.client.close();
      await settled();
      expect(await rejection(command.exit)).toBeInstanceOf(TransportClosedError);
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", listen);
    }
  });

  test("that the server collects has the server's output, and no streams", async () => {
    await using pair = await linked();
    const script = new ExecScript(pair.server);
    const options = { streamOutput: false, maxCollectedBytes: 4 };
    const command = pair.client.exec(["tool"], options);
    await script.started();
    script.exit(0, { stdout: "four", stderr: "two" });
    expect(() => command.stdout.bytes()).toThrow(/streamOutput/);
    expect(await command.exit).toMatchObject({
      stdout: "four",
      stdoutTruncated: true,
      stderr: "two",
      stderrTruncated: false,
    });
  });

  test("was ended by its time limit when both the code and the time say so", async () => {
    await using pair = await linked();
    const script = new ExecScript(pair.server);
    const run = async (timeoutMs: number) => {
      const command = pair.client.exec(["tool"], { timeoutMs });
      await script.started();
      // The clock must move on, however fast the machine is.
      const start = performance.now();
      while (performance.now() - start < 2) await new Promise(setImmediate);
      script.exit(124);
      return (await command.exit).timedOut;
    };
    expect(await run(1)).toBe(true);
    expect(await run(1_000_000)).toBe(false);
  });
});

describe("the loss of the connection", () => {
  test("is thrown by everything, each with an error of its own", async () => {
    await using pair = await linked();
    const script = new ExecScript(pair.server);
    const command = pair.client.exec(["tool"], { stdin: true });
    await script.started();
    pair.server.handle("command/exec/write", () => later);
    const write = rejection(command.write("x"));
    await pair.server.nextRequest("command/exec/write");
    script.output("half");
    pair.server.crash({ signal: "SIGKILL" });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const piece of command.stdout.text()) seen.push(piece);
    })();
    const errors = await Promise.all([
      rejection(command.exit),
      rejection(reading),
      rejection(collect(command.stderr)),
      write,
    ]);
    for (const error of errors) expect(error).toBeInstanceOf(TransportClosedError);
    expect(new Set(errors).size).toBe(4);
    expect(seen).toEqual(["half"]);
    await command.terminate();
    expect(await rejection(command.write("y"))).toBeInstanceOf(TransportClosedError);
  });
});

describe("writing", () => {
  test("is done in the order of the calls, one at a time, as it was at the call", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const script = new ExecScript(server);
    const command = client.exec(["tool"], { stdin: true });
    await script.started();
    server.handle("command/exec/write", () => later);
    const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1, 3);
    const writes = [command.write("é"), command.write(bytes), command.closeStdin()];
    bytes.fill(9);
    const { processId } = script;
    for (const expected of [
      { processId, deltaBase64: "w6k=" },
      { processId, deltaBase64: "AQI=" },
      { processId, closeStdin: true },
    ]) {
      const request = await server.nextRequest("command/exec/write");
      await settled();
      expect(server.paramsOf("command/exec/write").at(-1)).toEqual(expected);
      server.respond(request, {});
    }
    await Promise.all(writes);
    script.exit();
    await command.exit;
  });

  test("goes on after a write that failed", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const script = new ExecScript(server);
    const command = client.exec(["tool"], { stdin: true });
    await script.started();
    let calls = 0;
    server.handle("command/exec/write", () => {
      calls += 1;
      if (calls === 1) throw new ResponseError(-32_600, "stdin is already closed");
      return {};
    });
    const first = rejection(command.write("a"));
    await command.write("b");
    expect(await first).toMatchObject({ code: "INVALID_REQUEST" });
    script.exit();
  });

  test("needs a stdin that is open, and something to write", async () => {
    await using pair = await linked();
    const script = new ExecScript(pair.server);
    for (const options of [{}, { stdin: "given" }, { stdin: false }]) {
      const command = pair.client.exec(["tool"], options);
      await script.started();
      expect(await rejection(command.write("x"))).toMatchObject({ argument: "stdin" });
      expect(await rejection(command.closeStdin())).toMatchObject({ argument: "stdin" });
    }
    const open = pair.client.exec(["tool"], { stdin: true });
    expect(await rejection(open.write(7 as never))).toMatchObject({ argument: "data" });
  });

  test("to a command that has ended is told at once, without asking again", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const script = new ExecScript(server);
    const command = client.exec(["tool"], { tty: true });
    await script.started();
    script.exit();
    await command.exit;
    const gone = () => {
      throw new ResponseError(-32_600, 'no active command/exec for process id "p"');
    };
    server.handle("command/exec/write", gone);
    server.handle("command/exec/resize", gone);
    expect(await rejection(command.write("x"))).toBeInstanceOf(CommandEndedError);
    const size = { cols: 1, rows: 1 };
    expect(await rejection(command.resize(size))).toBeInstanceOf(CommandEndedError);
    expect(server.paramsOf("command/exec/write")).toHaveLength(1);
  });

  test("to a command that the server does not know yet is tried again", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const script = new ExecScript(server);
    let calls = 0;
    server.handle("command/exec/write", () => {
      calls += 1;
      if (calls < 3) throw new ResponseError(-32_600, 'no active command/exec for process id "p"');
      return {};
    });
    const command = client.exec(["tool"], { stdin: true });
    await command.write("x");
    expect(calls).toBe(3);
    script.exit();
    await command.exit;
  });

  test("input that was given beforehand is written and then ended, in one request", async () => {
    await using pair = await linked();
    const script = new ExecScript(pair.server);
    const command = pair.client.exec(["tool"], { stdin: "in" });
    const { params } = await pair.server.nextRequest("command/exec/write");
    expect(params).toEqual({ processId: script.processId, deltaBase64: "aW4=", closeStdin: true });
    script.exit();
    await command.exit;
  });

  test("input that cannot be written ends the command, and is what it fails with", async () => {
    await using pair = await linked({ maxMessageBytes: 65_536 });
    const { client, server } = pair;
    const script = new ExecScript(server);
    server.handle("command/exec/terminate", () => {
      script.exit(137);
      return {};
    });
    const command = client.exec(["tool"], { stdin: "x".repeat(70_000) });
    expect(await rejection(command.exit)).toMatchObject({ code: "MESSAGE_TOO_LARGE" });
    expect(server.paramsOf("command/exec/terminate")).toHaveLength(1);
  });
});
