import { describe, expect, jest, test } from "@jest/globals";
import { Codex, RestartLimitError, TransportClosedError } from "../../../lib/index.js";
import type { CodexOptions, CodexStatus } from "../../../lib/index.js";
import { RestartPolicy } from "../../../lib/supervision/restart-policy.js";
import { rejection } from "../../support/collect.js";
import { tinyServer } from "../../support/tiny-server.js";

const never = new AbortController().signal;

/** Follows the status until `done`, and gives the states that were seen. */
function states(codex: Codex, done: CodexStatus["state"]): Promise<string[]> {
  const iterator = codex.status();
  return (async () => {
    const seen: string[] = [];
    for await (const { state } of iterator) {
      seen.push(state);
      if (state === done) break;
    }
    return seen;
  })();
}

describe("restart", () => {
  test.each<[unknown, string]>([
    ["yes", "restart must"],
    [{ retries: -1 }, "restart.retries must"],
    [{ retries: 1.5 }, "restart.retries must"],
    [{ minDelayMs: -1 }, "restart.minDelayMs must"],
    [{ maxDelayMs: Infinity }, "restart.maxDelayMs must"],
    [{ minDelayMs: 20, maxDelayMs: 10 }, "restart.maxDelayMs must"],
    [{ stableAfterMs: NaN }, "restart.stableAfterMs must"],
  ])("refuses %j", (restart, message) => {
    expect(() => new Codex({ restart } as CodexOptions)).toThrow(message);
  });

  test("off: nothing is started in place of a process that died, and each call says why", async () => {
    await using server = await tinyServer();
    await using codex = new Codex({ launch: server.launch, restart: false });
    const thread = await codex.startThread();
    const first = await rejection(thread.read());
    expect(first).toMatchObject({ code: "TRANSPORT_CLOSED", exitCode: 7 });
    const later = await Promise.all([rejection(codex.client()), rejection(thread.run("Hi"))]);
    for (const error of later) {
      expect(error).toBeInstanceOf(TransportClosedError);
      expect(error).toMatchObject({ exitCode: 7 });
      expect(error).not.toBe(first);
    }
    expect(await server.starts()).toHaveLength(1);
  });

  test("off: a start that failed may be tried again, since nothing has died", async () => {
    await using server = await tinyServer({ failures: 1 });
    await using codex = new Codex({ launch: server.launch, restart: false });
    expect(await rejection(codex.client())).toMatchObject({ code: "HANDSHAKE_FAILED" });
    expect((await codex.startThread()).id).toBe("thread-1");
  });

  test("stops after so many failures in a row, and tells when it will go on", async () => {
    await using server = await tinyServer({ failures: 9 });
    const restart = { retries: 2, minDelayMs: 0, maxDelayMs: 0 };
    await using codex = new Codex({ launch: server.launch, restart });
    for (let start = 1; start <= 3; start += 1) {
      expect(await rejection(codex.client())).toMatchObject({ code: "HANDSHAKE_FAILED" });
    }
    const error = await rejection(codex.startThread());
    expect(error).toBeInstanceOf(RestartLimitError);
    expect(error).toMatchObject({ failures: 3, cause: { code: "HANDSHAKE_FAILED" } });
    expect((error as RestartLimitError).retryAfterMs).toBeGreaterThan(0);
    expect(await server.starts()).toHaveLength(3);
  });

  test("counts a server that is too old, which was started for nothing", async () => {
    await using server = await tinyServer({ version: "0.100.0" });
    await using codex = new Codex({
      launch: server.launch,
      restart: { retries: 1, minDelayMs: 0 },
    });
    for (let start = 1; start <= 2; start += 1) {
      expect(await rejection(codex.client())).toMatchObject({ code: "INCOMPATIBLE_SERVER" });
    }
    const error = await rejection(codex.client());
    expect(error).toMatchObject({ failures: 2, cause: { code: "INCOMPATIBLE_SERVER" } });
    expect(await server.starts()).toHaveLength(2);
  });

  test("counts what died young, too", async () => {
    await using server = await tinyServer();
    await using codex = new Codex({ launch: server.launch, restart: { retries: 0 } });
    const thread = await codex.startThread();
    await rejection(thread.read());
    const error = await rejection(codex.client());
    expect(error).toMatchObject({ code: "RESTART_LIMIT", failures: 1, cause: { exitCode: 7 } });
  });

  test("close() ends the pause before a start", async () => {
    await using server = await tinyServer({ failures: 9 });
    const restart = { minDelayMs: 3_600_000, maxDelayMs: 3_600_000 };
    const codex = new Codex({ launch: server.launch, restart });
    await rejection(codex.client());
    await rejection(codex.client());
    const waiting = rejection(codex.client());
    await codex.close();
    expect(await waiting).toMatchObject({ code: "TRANSPORT_CLOSED", reason: { kind: "closed" } });
    expect(await server.starts()).toHaveLength(2);
  });
});

describe("the pauses", () => {
  /** How long each start waits when every one before it has failed at once. */
  async function pauses(starts: number, options: ConstructorParameters<typeof RestartPolicy>[0]) {
    jest.useFakeTimers();
    try {
      const policy = new RestartPolicy(options);
      const waited: number[] = [];
      for (let start = 1; start <= starts; start += 1) {
        const from = performance.now();
        const admitted = policy.admit(never);
        await jest.runAllTimersAsync();
        await admitted;
        waited.push(Math.round(performance.now() - from));
        policy.started();
        policy.failed(new Error("it died"));
      }
      return waited;
    } finally {
      jest.useRealTimers();
    }
  }

  test("begin with the second failure in a row, and double up to the longest", async () => {
    const options = { minDelayMs: 100, maxDelayMs: 500, retries: 10 };
    expect(await pauses(7, options)).toEqual([0, 0, 100, 200, 400, 500, 500]);
  });

  test("do not come when each process has lived long enough", async () => {
    expect(await pauses(4, { stableAfterMs: 0, minDelayMs: 100 })).toEqual([0, 0, 0, 0]);
  });

  test("end for good after the last failure, until it is long enough ago", async () => {
    jest.useFakeTimers();
    try {
      const policy = new RestartPolicy({ retries: 0, stableAfterMs: 1_000 });
      policy.failed(new Error("it died"));
      jest.advanceTimersByTime(400);
      expect(await rejection(policy.admit(never))).toMatchObject({ retryAfterMs: 600 });
      jest.advanceTimersByTime(600);
      await policy.admit(never);
      expect(policy.attempt).toBe(1);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe("status()", () => {
  test("tells what is, then each change, and ends with close()", async () => {
    await using server = await tinyServer();
    const codex = new Codex({ launch: server.launch });
    const seen = states(codex, "closed");
    const thread = await codex.startThread();
    await rejection(thread.read());
    await codex.client();
    await codex.close();
    expect(await seen).toEqual([
      "idle",
      "starting",
      "ready",
      "lost",
      "starting",
      "ready",
      "closed",
    ]);
    const after: CodexStatus[] = [];
    for await (const status of codex.status()) after.push(status);
    expect(after).toEqual([{ state: "closed" }]);
  });

  test("tells why a start failed, and which one in a row is next", async () => {
    await using server = await tinyServer({ failures: 1 });
    await using codex = new Codex({ launch: server.launch });
    const iterator = codex.status();
    await rejection(codex.client());
    await codex.client();
    const seen: CodexStatus[] = [];
    for (let count = 0; count < 5; count += 1) {
      const { value } = await iterator.next();
      if (value) seen.push(value);
    }
    expect(seen).toMatchObject([
      { state: "idle" },
      { state: "starting", attempt: 1 },
      { state: "lost", error: { code: "HANDSHAKE_FAILED" } },
      { state: "starting", attempt: 2 },
      { state: "ready", serverInfo: { version: "0.169.0" } },
    ]);
  });

  test("is idle again when the client of the moment was closed", async () => {
    await using server = await tinyServer();
    await using codex = new Codex({ launch: server.launch });
    await (await codex.client()).close();
    expect((await codex.status().next()).value).toEqual({ state: "idle" });
    await codex.client();
    expect(await server.starts()).toHaveLength(2);
  });

  test("ends with a signal, and leaves nothing behind it", async () => {
    await using codex = new Codex({});
    const controller = new AbortController();
    const iterator = codex.status({ signal: controller.signal });
    expect((await iterator.next()).value).toEqual({ state: "idle" });
    const reason = new Error("enough");
    const next = rejection(iterator.next());
    controller.abort(reason);
    expect(await next).toBe(reason);
  });
});
