import { describe, expect, jest, test } from "@jest/globals";
import { safeLogger } from "../../../lib/async/logger.js";
import { RestartLimitError } from "../../../lib/errors/start-errors.js";
import { Codex, type CodexStatus } from "../../../lib/index.js";
import { EagerRestart } from "../../../lib/supervision/eager-restart.js";
import { RestartPolicy } from "../../../lib/supervision/restart-policy.js";
import { recordingLogger } from "../../contract/recording-logger.js";
import { rejection } from "../../support/collect.js";
import { tinyServer } from "../../support/tiny-server.js";

/** Resolves when the status is this one; sends nothing. */
async function until(codex: Codex, state: CodexStatus["state"]): Promise<CodexStatus> {
  for await (const status of codex.status()) if (status.state === state) return status;
  throw new Error(`it is closed, and was never ${state}`);
}

/** Makes the server end with code 7. */
async function crash(codex: Codex): Promise<void> {
  const lost = until(codex, "lost");
  await rejection(codex.rpc.thread.read({ threadId: "any" }));
  await lost;
}

describe("a server that is lost", () => {
  test("is replaced by the next call only, and a line in the log tells how it ended", async () => {
    await using server = await tinyServer();
    const logger = recordingLogger();
    await using codex = new Codex({ launch: server.launch, logger });
    expect(codex.currentStatus).toEqual({ state: "idle" });
    const { serverInfo } = await codex.client();
    expect(codex.currentStatus).toEqual({ state: "ready", serverInfo });
    await crash(codex);
    expect(codex.currentStatus).toMatchObject({ state: "lost", error: { exitCode: 7 } });
    expect(logger.lines).toEqual(["warn: The app-server process ended with code 7."]);
    expect(await server.starts()).toHaveLength(1);
    await codex.client();
    expect(logger.lines).toHaveLength(1);
  });

  test("is replaced without a call with eager, each time", async () => {
    await using server = await tinyServer();
    const logger = recordingLogger();
    const restart = { eager: true, minDelayMs: 0 };
    await using codex = new Codex({ launch: server.launch, restart, logger });
    await codex.client();
    for (const starts of [2, 3]) {
      await crash(codex);
      await until(codex, "ready");
      expect(await server.starts()).toHaveLength(starts);
    }
    const line = "warn: The app-server process ended with code 7.";
    expect(logger.lines).toEqual([line, line]);
    await codex.close();
    expect(codex.currentStatus).toEqual({ state: "closed" });
    expect(logger.lines).toHaveLength(2);
  });

  test("is replaced when that fails at first, also when it was the first start", async () => {
    await using server = await tinyServer({ failures: 2 });
    const logger = recordingLogger();
    const restart = { eager: true, minDelayMs: 1 };
    await using codex = new Codex({ launch: server.launch, restart, logger });
    expect(await rejection(codex.client())).toMatchObject({ code: "HANDSHAKE_FAILED" });
    await until(codex, "ready");
    expect(await server.starts()).toHaveLength(3);
    expect(logger.lines).toEqual([
      "warn: No app-server could be started (HANDSHAKE_FAILED); trying again after 50 ms.",
    ]);
  });

  test("is not replaced after close(), however soon that comes", async () => {
    await using server = await tinyServer();
    const restart = { eager: true, minDelayMs: 0 };
    const codex = new Codex({ launch: server.launch, restart });
    const client = await codex.client();
    // In the very moment of the loss, and so before anything was started.
    client.signal.addEventListener("abort", () => void codex.close());
    await rejection(codex.rpc.thread.read({ threadId: "any" }));
    await codex.close();
    expect(codex.currentStatus).toEqual({ state: "closed" });
    expect(await server.starts()).toHaveLength(1);
  });

  test("is not replaced when the client of the moment was closed, or the signal has aborted", async () => {
    await using server = await tinyServer();
    const controller = new AbortController();
    const { signal } = controller;
    const restart = { eager: true };
    await using codex = new Codex({ launch: server.launch, restart, signal });
    await (await codex.client()).close();
    expect(codex.currentStatus).toEqual({ state: "idle" });
    const client = await codex.client();
    controller.abort();
    await client.closed;
    expect(codex.currentStatus).toEqual({ state: "idle" });
    expect(await server.starts()).toHaveLength(2);
  });
});

test("close() shows in the status at once", async () => {
  await using server = await tinyServer();
  const codex = new Codex({ launch: server.launch });
  await codex.client();
  const closing = codex.close();
  expect(codex.currentStatus).toEqual({ state: "closed" });
  await closing;
});

describe("trying again", () => {
  /** How long it waits after each of these failures (ms). */
  async function pausesAfter(failures: readonly Error[]): Promise<number[]> {
    jest.useFakeTimers();
    try {
      const times: number[] = [];
      const left = [...failures];
      const stop = new AbortController();
      const eager = new EagerRestart({
        start: async () => {
          times.push(performance.now());
          await Promise.resolve();
          const failure = left.shift();
          if (failure) throw failure;
        },
        policy: new RestartPolicy({ minDelayMs: 100, maxDelayMs: 500 }),
        stop: stop.signal,
        logger: safeLogger(undefined),
      });
      eager.begin();
      eager.begin();
      await jest.runAllTimersAsync();
      return times.slice(1).map((time, index) => Math.round(time - (times[index] ?? 0)));
    } finally {
      jest.useRealTimers();
    }
  }

  test("waits ever longer, also for what costs no start, and after the last for as long as calls do", async () => {
    const missing = new Error("missing");
    expect(await pausesAfter([missing, missing, missing, missing, missing])).toEqual([
      100, 200, 400, 500, 500,
    ]);
    expect(await pausesAfter([new RestartLimitError(6, 4_321, missing)])).toEqual([4_321]);
  });

  test("goes on when what was started is lost before it was told", async () => {
    let starts = 0;
    const { signal: stop } = new AbortController();
    const policy = new RestartPolicy();
    await new Promise<void>((resolve) => {
      const start = (): Promise<void> => {
        starts += 1;
        if (starts < 3) eager.begin();
        else resolve();
        return Promise.resolve();
      };
      const eager = new EagerRestart({ start, policy, stop, logger: safeLogger(undefined) });
      eager.begin();
    });
    expect(starts).toBe(3);
  });
});
