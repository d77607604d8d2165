import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { ProtocolError } from "../../../../lib/errors/connection-errors.js";
import type { GetSession } from "../../../../lib/session/session.js";
import { execCommand } from "../../../../lib/resources/machine/exec-command.js";
import { collect, rejection, settled } from "../../../support/collect.js";
import { later, linked, ResponseError } from "../../../support/linked-server.js";
import { abortListeners, ExecScript } from "./commands.js";

const notKnown = () => {
  throw new ResponseError(-32_600, 'no active command/exec for process id "p"');
};

/** From here on, time passes only when the test says so. */
function stopTheClock(): void {
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
}

/** Lets time pass, and whatever happens in it happen. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    await settled();
    await jest.advanceTimersByTimeAsync(100);
  }
  await settled();
}

afterEach(() => {
  jest.useRealTimers();
});

async function running(options = {}) {
  const pair = await linked();
  const script = new ExecScript(pair.server);
  const command = pair.client.exec(["tool"], options);
  await script.started();
  const terminations = () => pair.server.paramsOf("command/exec/terminate").length;
  return { ...pair, script, command, terminations };
}

describe("terminate()", () => {
  test("is sent once for calls at the same time, and not at all after the end", async () => {
    await using pair = await running();
    const { command, script, terminations } = pair;
    await Promise.all([command.terminate(), command.terminate()]);
    expect(terminations()).toBe(1);
    script.exit(137);
    expect(await command.exit).toMatchObject({ exitCode: 137 });
    await command.terminate();
    expect(terminations()).toBe(1);
  });

  test("of a command that is just ending succeeds", async () => {
    await using pair = await running();
    const { command, script, server } = pair;
    server.handle("command/exec/terminate", () => {
      script.exit(0);
      return notKnown();
    });
    await command.terminate();
    expect(await command.exit).toMatchObject({ exitCode: 0 });
  });

  test("passes on a refusal, and may be tried again", async () => {
    await using pair = await running();
    const { command, script, server } = pair;
    server.handle("command/exec/terminate", () => {
      throw new ResponseError(-32_603, "not today");
    });
    expect(await rejection(command.terminate())).toMatchObject({ code: "INTERNAL_ERROR" });
    server.handle("command/exec/terminate", () => ({}));
    await command.terminate();
    script.exit(137);
    await command.exit;
  });

  test("reaches a command that the server was too busy to take at first", async () => {
    await using pair = await linked({ retryOnOverload: { jitter: false, minTimeoutMs: 50 } });
    const { client, server } = pair;
    const script = new ExecScript(server);
    let known = false;
    server.handle("command/exec", () => {
      if (server.paramsOf("command/exec").length === 1) {
        throw new ResponseError(-32_001, "Server overloaded; retry later.");
      }
      known = true;
      return later;
    });
    server.handle("command/exec/terminate", () => {
      if (!known) notKnown();
      script.exit(137);
      return {};
    });
    const command = client.exec(["tool"]);
    await command.terminate();
    expect(await command.exit).toMatchObject({ exitCode: 137 });
    expect(server.paramsOf("command/exec")).toHaveLength(2);
  });

  test("of a command that the server has lost makes it fail", async () => {
    await using pair = await running();
    const { command, server } = pair;
    server.handle("command/exec/terminate", notKnown);
    stopTheClock();
    const terminated = command.terminate();
    const exit = rejection(command.exit);
    await pass(6_000);
    await terminated;
    expect(await exit).toBeInstanceOf(ProtocolError);
  });

  test("gives up on a server that does not react, and leaves the command running", async () => {
    await using pair = await running();
    const { command, script, server } = pair;
    server.handle("command/exec/terminate", () => later);
    stopTheClock();
    const terminated = rejection(command.terminate());
    await pass(11_000);
    expect(await terminated).toMatchObject({ code: "REQUEST_TIMEOUT", timeoutMs: 10_000 });
    script.exit(0);
    expect(await command.exit).toMatchObject({ exitCode: 0 });
  });
});

describe("the end of an `await using` block", () => {
  test("ends the command and waits for that", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const script = new ExecScript(server);
    const order: string[] = [];
    server.handle("command/exec/terminate", () => {
      order.push("terminated");
      setImmediate(() => {
        script.exit(137);
      });
      return {};
    });
    let exit: Promise<unknown>;
    {
      await using command = client.exec(["tool"]);
      exit = command.exit.then(() => order.push("ended"));
      await script.started();
    }
    await exit;
    expect(order).toEqual(["terminated", "ended"]);
  });

  test("does nothing when the command has ended, and waits for no server for ever", async () => {
    await using pair = await running();
    const { command, server, terminations } = pair;
    server.handle("command/exec/terminate", () => later);
    stopTheClock();
    const disposed = command[Symbol.asyncDispose]();
    await pass(11_000);
    await disposed;
    // What nobody waits for is tried again until the server agrees.
    expect(terminations()).toBeGreaterThan(1);
    server.handle("command/exec/terminate", () => ({}));
    await pass(20_000);
    const confirmed = terminations();
    await pass(20_000);
    expect(terminations()).toBe(confirmed);
    pair.script.exit(0);
    await command.exit;
    await command[Symbol.asyncDispose]();
    expect(terminations()).toBe(confirmed);
  });
});

describe("an abort signal", () => {
  test.each([
    ["an error", new Error("enough")],
    ["false", false],
  ])("ends the command; everything rejects with its reason, as it is: %s", async (_n, reason) => {
    const abort = new AbortController();
    await using pair = await running({ signal: abort.signal, stdin: true });
    const { command, script, server } = pair;
    server.handle("command/exec/terminate", () => {
      script.output("last words");
      script.exit(137);
      return {};
    });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const piece of command.stdout.text()) seen.push(piece);
    })();
    const failures = [rejection(command.exit), rejection(reading)];
    abort.abort(reason);
    expect(await Promise.all(failures)).toEqual([reason, reason]);
    expect(await rejection(collect(command.stderr))).toBe(reason);
    expect(seen).toEqual(["last words"]);
    expect(abortListeners(abort.signal)).toBe(0);
  });

  test("that has aborted before lets nothing happen", async () => {
    const reason = new Error("enough");
    let connections = 0;
    const getSession: GetSession = () => {
      connections += 1;
      return new Promise(() => undefined);
    };
    const signal = AbortSignal.abort(reason);
    const command = execCommand(getSession, ["tool"], { signal, stdin: true });
    expect(await rejection(command.exit)).toBe(reason);
    expect(await rejection(collect(command.stdout))).toBe(reason);
    expect(await rejection(command.write("x"))).toBe(reason);
    await command.terminate();
    expect(connections).toBe(0);
    expect(abortListeners(signal)).toBe(0);
  });

  test("that aborts while the server starts keeps the command from being sent", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    let connected!: () => void;
    const getSession: GetSession = async () => {
      await new Promise<void>((resolve) => {
        connected = resolve;
      });
      return client.session;
    };
    const abort = new AbortController();
    const command = execCommand(getSession, ["tool"], { signal: abort.signal });
    abort.abort("enough");
    expect(await rejection(command.exit)).toBe("enough");
    connected();
    await settled();
    expect(server.paramsOf("command/exec")).toEqual([]);
  });

  test("is not kept waiting by a server that does not end the command", async () => {
    const abort = new AbortController();
    await using pair = await running({ signal: abort.signal, stdin: true });
    const { command, server } = pair;
    server.handle("command/exec/terminate", () => later);
    server.handle("command/exec/write", () => later);
    const reason = new Error("enough");
    const write = rejection(command.write("x"));
    await server.nextRequest("command/exec/write");
    stopTheClock();
    const exit = rejection(command.exit);
    abort.abort(reason);
    await pass(11_000);
    expect(await exit).toBe(reason);
    expect(await write).toBe(reason);
    expect(abortListeners(abort.signal)).toBe(0);
  });

  test.each([
    ["too busy", -32_001],
    ["out of order", -32_603],
  ])("ends the command also on a server that is %s at first", async (_, code) => {
    const abort = new AbortController();
    await using pair = await running({ signal: abort.signal });
    const { command, script, server } = pair;
    let runs = true;
    server.handle("command/exec/terminate", () => {
      throw new ResponseError(code, "not now");
    });
    stopTheClock();
    const exit = rejection(command.exit);
    abort.abort("enough");
    await pass(11_000);
    expect(await exit).toBe("enough");
    server.handle("command/exec/terminate", () => {
      runs = false;
      script.exit(137);
      return {};
    });
    await pass(6_000);
    expect(runs).toBe(false);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("has no effect after the end", async () => {
    const abort = new AbortController();
    await using pair = await running({ signal: abort.signal });
    pair.script.exit(0);
    await pair.command.exit;
    abort.abort(new Error("too late"));
    expect(await pair.command.exit).toMatchObject({ exitCode: 0 });
    expect(pair.terminations()).toBe(0);
  });
});
