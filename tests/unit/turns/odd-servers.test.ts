import { describe, expect, test } from "@jest/globals";
import { collect, settled } from "../../support/collect.js";
import { linkedThread } from "../../support/linked-server.js";
import {
  agentMessage,
  textMessages,
  turnCompleted,
  turnMessages,
  turnStarted,
  type Message,
  type Params,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

/** Runs a turn in which the server sends these messages; gives the events and the result. */
async function play(messages: readonly Message[]) {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(...messages);
  const [events, result] = await Promise.all([collect(turn), turn.run({ throwOnFailure: false })]);
  return { events, result };
}

test("a method that nobody knows is delivered when it names the thread and the turn", async () => {
  const messages = [
    turnStarted(ids),
    { method: "item/hologram/delta", params: { ...ids, itemId: "h-1", voxels: [1, 2] } },
    ...textMessages({ ...ids, text: "Hello" }),
    turnCompleted(ids),
  ];
  const { events, result } = await play(messages);
  expect(events).toEqual(messages);
  expect(result.finalResponse).toBe("Hello");
});

test("items of a type that nobody knows are in the result", async () => {
  const item = { type: "hologram", id: "h-1", voxels: [1] };
  const { result } = await play([
    { method: "item/started", params: { ...ids, item: { ...item, voxels: [] } } },
    { method: "item/completed", params: { ...ids, item } },
    turnCompleted(ids),
  ]);
  expect(result.items).toEqual([item]);
});

const wrong: [string, string, Params][] = [
  ["an item that is null", "item/started", { item: null }],
  ["an item without an id", "item/completed", { item: { type: "agentMessage" } }],
  ["an item that is a string", "item/completed", { item: "agentMessage" }],
  [
    "a delta for an item that never started",
    "item/agentMessage/delta",
    { itemId: "x", delta: "y" },
  ],
  ["a delta that is a number", "item/agentMessage/delta", { itemId: "msg-1", delta: 7 }],
  [
    "a reasoning index from outer space",
    "item/reasoning/textDelta",
    { itemId: "r", contentIndex: 1e9 },
  ],
  ["usage without numbers", "thread/tokenUsage/updated", { tokenUsage: null }],
  ["a plan that is a number", "turn/plan/updated", { plan: 7 }],
  ["an error without contents", "error", { error: null }],
];

test.each(wrong)("%s neither throws nor hangs", async (_name, method, fields) => {
  const messages = [
    turnStarted(ids),
    { method, params: { ...ids, ...fields } },
    ...textMessages({ ...ids, text: "Hello" }),
    turnCompleted(ids),
  ];
  const { events, result } = await play(messages);
  expect(events).toEqual(messages);
  expect(result).toMatchObject({ status: "completed", finalResponse: "Hello" });
});

describe("turn/completed ends the turn", () => {
  test("with a status that nobody knows", async () => {
    const { result } = await play([turnCompleted(ids, { status: "paused" })]);
    expect(result.status).toBe("paused");
  });

  test("with fields that nobody knows", async () => {
    const { events, result } = await play([turnCompleted(ids, { mood: { good: true } })]);
    expect(result.status).toBe("completed");
    expect(events[0]?.params).toMatchObject({ turn: { mood: { good: true } } });
  });

  test("with nothing but ids", async () => {
    const { threadId, turnId } = ids;
    const end = { method: "turn/completed", params: { threadId, turn: { id: turnId } } };
    const { result } = await play([...textMessages({ ...ids, text: "Hello" }), end]);
    expect(result).toMatchObject({ status: "completed", finalResponse: "Hello", durationMs: null });
  });

  test.each([
    ["a string", "everything"],
    ["an object", {}],
    ["a list with holes", [null, 7, agentMessage("msg-1", "Hello")]],
  ])("with items that are %s", async (_name, items) => {
    const { result } = await play([
      ...textMessages({ ...ids, text: "Hello" }),
      turnCompleted(ids, { items }),
    ]);
    expect(result).toMatchObject({ status: "completed", finalResponse: "Hello" });
    expect(result.items).toHaveLength(1);
  });

  test("once, even when it comes twice", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    server.send(turnCompleted(ids), turnCompleted(ids, { status: "failed" }));
    expect(await collect(turn)).toHaveLength(1);
    expect((await turn.run()).status).toBe("completed");
  });
});

describe("what comes after the end", () => {
  test("is not delivered, and changes nothing", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const late = { method: "item/completed", params: { ...ids, item: agentMessage("m", "late") } };
    server.send(...turnMessages({ ...ids, text: "Hello" }), late, late);
    await settled();
    expect((await collect(turn)).at(-1)?.method).toBe("turn/completed");
    expect((await turn.run()).items).toHaveLength(1);
  });

  test("goes to the next turn's handle only when it is about that turn", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const first = thread.turn("A");
    await first.started;
    server.turn({ ...ids, text: "Hello" });
    await first.run();
    const second = thread.turn("B");
    await second.started;
    const late = { method: "item/completed", params: { ...ids, item: agentMessage("m", "late") } };
    const own = turnMessages({ threadId: "thread-1", turnId: "turn-2", text: "Bye" });
    server.send(late, ...own.slice(0, 2), late, ...own.slice(2));
    expect(await collect(second)).toEqual(own);
  });

  test("leaves nothing behind in the connection", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    for (const turnId of ["turn-1", "turn-2"]) {
      const turn = thread.turn("Hi");
      await turn.started;
      expect(client.session.turns.size).toBe(1);
      expect(client.session.thread("thread-1").slots.isBusy).toBe(true);
      const late = turnMessages({ threadId: "thread-1", turnId, text: "late" });
      server.send(turnCompleted({ threadId: "thread-1", turnId }), ...late);
      await turn.run();
      await settled();
      expect(client.session.turns.size).toBe(0);
      expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
    }
  });
});
