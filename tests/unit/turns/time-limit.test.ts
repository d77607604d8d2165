import { afterEach, expect, jest, test } from "@jest/globals";
import { TurnTimeoutError } from "../../../lib/turns/turn-errors.js";
import { rejection, settled } from "../../support/collect.js";
import { linkedThread } from "../../support/linked-server.js";
import { textMessages, turnCompleted, turnStarted } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

afterEach(() => {
  jest.restoreAllMocks();
});

/** The timers of this length that were set and not cleared; setting them is watched from now on. */
function watchTimers(ms: number): () => number {
  const set = jest.spyOn(globalThis, "setTimeout");
  const cleared = jest.spyOn(globalThis, "clearTimeout");
  return () => {
    const timers = set.mock.calls.flatMap((call, index) =>
      call[1] === ms ? [set.mock.results[index]?.value] : [],
    );
    const gone = new Set<unknown>(cleared.mock.calls.map(([timer]) => timer));
    return timers.filter((timer) => !gone.has(timer)).length;
  };
}

test("a turn over its limit is interrupted, and rejects with what it did so far", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const timeoutMs = 987_654;
  const set = jest.spyOn(globalThis, "setTimeout");
  const turn = thread.turn("Hi", { timeoutMs });
  const run = rejection(turn.run());
  await turn.started;
  server.send(turnStarted(ids), ...textMessages({ ...ids, text: "Half an" }));
  await settled();
  // The time is up.
  set.mock.calls.find((call) => call[1] === timeoutMs)?.[0]();
  expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
  server.send(turnCompleted(ids, { status: "interrupted" }));
  const error = await run;
  expect(error).toBeInstanceOf(TurnTimeoutError);
  expect(error).toMatchObject({
    code: "TURN_TIMEOUT",
    timeoutMs,
    message:
      "The turn did not end within 987654 ms and was interrupted. " +
      "See result for what it has done, and raise timeoutMs if it needs longer.",
    result: { id: "turn-1", items: [{ text: "Half an" }] },
  });
});

test("each waiter gets an error of its own", async () => {
  await using pair = await linkedThread();
  const { thread } = pair;
  const first = thread.turn("Hi");
  await first.started;
  const turn = thread.turn("Hi", { timeoutMs: 5 });
  const errors = await Promise.all([
    rejection(turn.run()),
    rejection(turn.run()),
    rejection(turn.started),
    rejection(turn.stream().next()),
  ]);
  for (const error of errors) expect(error).toBeInstanceOf(TurnTimeoutError);
  expect(new Set(errors).size).toBe(4);
});

test("of two reasons to stop, the first one counts", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const timeoutMs = 987_654;
  const set = jest.spyOn(globalThis, "setTimeout");
  const abort = new AbortController();
  const turn = thread.turn("Hi", { timeoutMs, signal: abort.signal });
  const run = rejection(turn.run());
  await turn.started;
  server.send(turnStarted(ids));
  abort.abort("stop");
  await server.nextRequest("turn/interrupt");
  // The time is up.
  set.mock.calls.find((call) => call[1] === timeoutMs)?.[0]();
  server.send(turnCompleted(ids, { status: "interrupted" }));
  expect(await run).toBe("stop");
  expect(server.paramsOf("turn/interrupt")).toHaveLength(1);
});

test("waiting in the queue counts; such a turn is never sent", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const first = thread.turn("A");
  await first.started;
  const second = thread.turn("B", { timeoutMs: 5 });
  expect(await rejection(second.run())).toMatchObject({
    message:
      "The turn did not end within 5 ms and was not sent to the server. Start it again if it is still wanted.",
    sent: false,
    result: { id: "", items: [] },
  });
  expect(server.paramsOf("turn/start")).toHaveLength(1);
});

test("no timer stays behind a turn that ended in time", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const timeoutMs = 987_654;
  const left = watchTimers(timeoutMs);
  const turn = thread.turn("Hi", { timeoutMs });
  expect(left()).toBe(1);
  await turn.started;
  server.turn({ ...ids, text: "Hello" });
  await turn.run();
  expect(left()).toBe(0);
});

test("no timer stays behind a turn that could not start", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/start", () => {
    throw new Error("refused");
  });
  const timeoutMs = 987_654;
  const left = watchTimers(timeoutMs);
  await rejection(thread.turn("Hi", { timeoutMs }).run());
  expect(left()).toBe(0);
  await rejection(thread.turn("Hi", { timeoutMs, signal: AbortSignal.abort() }).run());
  expect(left()).toBe(0);
});

test.each([Infinity, 2 ** 40])(
  "a limit beyond what timers can hold is none: %d",
  async (timeoutMs) => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi", { timeoutMs });
    await turn.started;
    server.turn({ ...ids, text: "Hello" });
    expect((await turn.run()).status).toBe("completed");
  },
);
