import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { TurnTimeoutError } from "../../../lib/index.js";
import { rejection, settled } from "../../support/collect.js";
import { linkedThread } from "../../support/linked-server.js";
import { turnCompleted, turnMessages, turnStarted } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "compaction-1" };
const item = { type: "contextCompaction", id: "c-1" };
const error = { message: "no model", codexErrorInfo: "other" };

afterEach(() => {
  jest.useRealTimers();
});

function fakeTimers(): Parameters<typeof jest.useFakeTimers>[0] {
  return { doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] };
}

function pass(): void {
  jest.advanceTimersByTime(1_000);
}

describe("a compaction", () => {
  test("loads its thread first if need be", async () => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    const turn = client.thread("thread-8").compact();
    const { params } = await server.nextRequest("thread/compact/start");
    expect(server.paramsOf("thread/resume")).toMatchObject([{ threadId: "thread-8" }]);
    expect(params).toEqual({ threadId: "thread-8" });
    const own = { threadId: "thread-8", turnId: "compaction-1" };
    server.send(turnStarted(own), { method: "item/started", params: { ...own, item } });
    server.send(turnCompleted(own));
    expect(await turn.run()).toMatchObject({ status: "completed", id: "compaction-1" });
  });

  test("is told from a turn of somebody else that begins at the same time", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.compact();
    await server.nextRequest("thread/compact/start");
    server.send(...turnMessages({ threadId: "thread-1", turnId: "goal-1", text: "Not ours" }));
    server.send(turnStarted(ids), { method: "item/started", params: { ...ids, item } });
    server.send(turnCompleted(ids));
    expect(await turn.run()).toMatchObject({
      status: "completed",
      id: "compaction-1",
      items: [item],
    });
  });

  test("that fails before it has any item fails", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const turn = thread.compact();
    await server.nextRequest("thread/compact/start");
    server.send(turnStarted(ids), turnCompleted(ids, { status: "failed", error }));
    const failure = await rejection(turn.run());
    expect(failure).toMatchObject({ code: "TURN_FAILED", result: { id: "compaction-1" } });
    expect(client.session.turns.size).toBe(0);
  });

  test("that the server never begins ends with its time, and leaves nothing behind", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    jest.useFakeTimers(fakeTimers());
    const failure = rejection(thread.compact({ timeoutMs: 50 }).run());
    await server.nextRequest("thread/compact/start");
    await settled();
    // Its time, and what a stopped turn gets to end in.
    for (const ms of [50, 10_000]) {
      jest.advanceTimersByTime(ms);
      await settled();
    }
    expect(await failure).toBeInstanceOf(TurnTimeoutError);
    // The server is asked a few times whether it may still begin, and does not say.
    for (let count = 0; client.session.turns.size > 0; count += 1) {
      expect(count).toBeLessThan(100);
      pass();
      await settled();
    }
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
  });

  test("ends with the connection while its id is not known", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.compact();
    await server.nextRequest("thread/compact/start");
    await settled();
    server.crash({ exitCode: 1 });
    expect(await rejection(turn.run())).toMatchObject({ code: "TRANSPORT_CLOSED" });
  });
});

test("a shell command, a review's target and their options are checked before anything is sent", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const before = server.requests.length;
  expect(() => thread.shellCommand("  ")).toThrow("command");
  expect(() => thread.review(null as never)).toThrow("target");
  expect(() => thread.compact({ whenBusy: "steer" as never })).toThrow("whenBusy");
  expect(() => thread.compact({ timeoutMs: -1 })).toThrow("timeoutMs");
  await settled();
  expect(server.requests).toHaveLength(before);
});
