import { expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import type { TurnEvent } from "../../../lib/protocol.js";
import type { Turn } from "../../../lib/turn.js";
import { rejection, settled } from "../../support/collect.js";
import { later, linkedThread } from "../../support/linked-server.js";
import {
  textMessages,
  turnCompleted,
  turnMessages,
  turnRecord,
  turnStarted,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const interrupted = turnCompleted(ids, { status: "interrupted" });

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}

/** Follows the turn to its end: the events, and then what the iteration threw. */
async function follow(turn: Turn): Promise<{ events: TurnEvent[]; thrown: unknown }> {
  const events: TurnEvent[] = [];
  try {
    for await (const event of turn) events.push(event);
  } catch (thrown) {
    return { events, thrown };
  }
  throw new Error("The iteration ended without an error.");
}

test.each([
  ["an Error", new Error("changed my mind")],
  ["a string", "changed my mind"],
  ["an object", { reason: "changed my mind" }],
  ["false", false],
  ["null", null],
])(
  "aborted before: nothing is sent, and the reason is thrown as it is: %s",
  async (_name, reason) => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const signal = AbortSignal.abort(reason);
    const turn = thread.turn("Hi", { signal });
    const [run, { thrown, events }] = await Promise.all([rejection(turn.run()), follow(turn)]);
    expect(run).toBe(reason);
    expect(thrown).toBe(reason);
    expect(events).toEqual([]);
    await settled();
    expect(server.paramsOf("turn/start")).toHaveLength(0);
    expect(listeners(signal)).toBe(0);
  },
);

test("aborted in the queue: it is never sent, and the next one takes its place", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const abort = new AbortController();
  const first = thread.turn("A");
  const second = thread.turn("B", { signal: abort.signal });
  const third = thread.turn("C");
  await first.started;
  server.send(turnStarted(ids));
  const run = rejection(second.run());
  const reason = new Error("stop");
  abort.abort(reason);
  expect(await run).toBe(reason);
  expect(await rejection(second.started)).toBe(reason);
  expect(listeners(abort.signal)).toBe(0);
  server.send(turnCompleted(ids));
  expect(await third.started).toEqual({ id: "turn-2" });
  expect(server.paramsOf("turn/start").map(({ input }) => input)).toMatchObject([
    [{ text: "A" }],
    [{ text: "C" }],
  ]);
});

test("aborted while turn/start is pending: interrupted after the answer, then rejected", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/start", () => later);
  const abort = new AbortController();
  const turn = thread.turn("Hi", { signal: abort.signal });
  const request = await server.nextRequest("turn/start");
  const reason = new Error("stop");
  const run = rejection(turn.run());
  abort.abort(reason);
  await settled();
  expect(server.paramsOf("turn/interrupt")).toHaveLength(0);
  server.respond(request, { turn: turnRecord("turn-1") });
  server.send(turnStarted(ids));
  expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
  server.send(interrupted);
  expect(await run).toBe(reason);
  expect(listeners(abort.signal)).toBe(0);
});

test("aborted while running: interrupted, and rejected only when the turn has ended", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const abort = new AbortController();
  const turn = thread.turn("Hi", { signal: abort.signal });
  await turn.started;
  server.send(turnStarted(ids));
  let rejected = false;
  const run = rejection(turn.run()).finally(() => {
    rejected = true;
  });
  const reason = new Error("stop");
  abort.abort(reason);
  await server.nextRequest("turn/interrupt");
  await settled();
  expect(rejected).toBe(false);
  server.send(interrupted);
  expect(await run).toBe(reason);
  expect(server.paramsOf("turn/interrupt")).toEqual([ids]);
  expect(listeners(abort.signal)).toBe(0);
});

test("iterating yields what came before the end, and then throws the reason", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const abort = new AbortController();
  const turn = thread.turn("Hi", { signal: abort.signal });
  await turn.started;
  const before = [turnStarted(ids), ...textMessages({ ...ids, text: "Hello" })];
  server.send(...before);
  server.handle("turn/interrupt", () => {
    server.send(interrupted);
    return {};
  });
  await settled();
  const followed = follow(turn);
  abort.abort("enough");
  expect(await followed).toEqual({ events: [...before, interrupted], thrown: "enough" });
  expect(await rejection(turn.run())).toBe("enough");
});

test("a turn that completes while it is being interrupted still rejects with the reason", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const abort = new AbortController();
  const turn = thread.turn("Hi", { signal: abort.signal });
  await turn.started;
  server.send(turnStarted(ids));
  const run = rejection(turn.run());
  abort.abort("enough");
  await server.nextRequest("turn/interrupt");
  server.send(...turnMessages({ ...ids, text: "Done" }).slice(1));
  expect(await run).toBe("enough");
});

test("the connection lost while it is being interrupted: the reason all the same", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const abort = new AbortController();
  const turn = thread.turn("Hi", { signal: abort.signal });
  await turn.started;
  server.send(turnStarted(ids));
  const run = rejection(turn.run());
  abort.abort("enough");
  await server.nextRequest("turn/interrupt");
  server.crash({ exitCode: 1 });
  expect(await run).toBe("enough");
  expect(listeners(abort.signal)).toBe(0);
});

test("an abort after the end changes nothing", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const abort = new AbortController();
  const turn = thread.turn("Hi", { signal: abort.signal });
  await turn.started;
  expect(listeners(abort.signal)).toBe(1);
  server.turn({ ...ids, text: "Hello" });
  expect((await turn.run()).status).toBe("completed");
  expect(listeners(abort.signal)).toBe(0);
  abort.abort();
  await settled();
  expect((await turn.run()).status).toBe("completed");
  expect(server.paramsOf("turn/interrupt")).toHaveLength(0);
});

test("no listener stays on the signal of a turn that failed, was refused, or was left", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const { signal } = new AbortController();

  const failing = thread.turn("Hi", { signal });
  await failing.started;
  server.send(turnCompleted(ids, { status: "failed" }));
  await rejection(failing.run());
  expect(listeners(signal)).toBe(0);

  server.handle("turn/start", () => {
    throw new Error("refused");
  });
  await rejection(thread.turn("Hi", { signal }).run());
  expect(listeners(signal)).toBe(0);

  server.handle("turn/start", () => ({ turn: turnRecord("turn-2") }));
  server.handle("turn/interrupt", () => {
    server.send(turnCompleted({ threadId: "thread-1", turnId: "turn-2" }));
    return {};
  });
  const left = thread.turn("Hi", { signal });
  await left.started;
  server.send(turnStarted({ threadId: "thread-1", turnId: "turn-2" }));
  for await (const event of left) if (event.method === "turn/started") break;
  expect(listeners(signal)).toBe(0);
});
