import { describe, expect, test } from "@jest/globals";
import type { AppServerClient } from "../../../lib/client.js";
import { InvalidArgumentError, SlowConsumerError } from "../../../lib/index.js";
import type { TurnControls, TurnEvent } from "../../../lib/index.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { linked, linkedThread, type LinkedServer } from "../../support/linked-server.js";
import {
  agentMessage,
  turnCompleted,
  turnStarted,
  type Message,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
/** From so many waiting events on, text is merged. */
const mark = 1_000;

function delta(text: string, fields: Message = {}, of: Message = ids): Message {
  const params = { ...of, itemId: "msg-1", delta: text, ...fields };
  return { method: "item/agentMessage/delta", params, emittedAtMs: 1_767_225_600_000 };
}

const begin = [
  turnStarted(ids),
  { method: "item/started", params: { ...ids, item: agentMessage("msg-1", "") } },
];
const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n} `);
const textOf = (events: readonly TurnEvent[]): string =>
  events.map(({ params }) => ("delta" in params ? params.delta : "")).join("");

/** A turn that was accepted and has sent nothing yet. */
async function acceptedTurn(options?: TurnControls) {
  const pair = await linkedThread();
  const turn = pair.thread.turn("Hi", options);
  await turn.started;
  return { ...pair, turn };
}

/** Resolves when the client has read all that was sent up to here. */
function untilHere(server: LinkedServer, client: AppServerClient): Promise<void> {
  const here = new Promise<void>((resolve) => {
    const stop = client.on("warning", () => {
      stop();
      resolve();
    });
  });
  server.notify("warning", { threadId: null, message: "here" });
  return here;
}

describe("text that waits to be read", () => {
  test("comes piece by piece while little waits", async () => {
    await using stage = await acceptedTurn();
    const { server, client, turn } = stage;
    server.sendTogether([...begin, ...numbers(500).map((text) => delta(text))]);
    await untilHere(server, client);
    server.sendTogether([turnCompleted(ids)]);
    const events = await collect(turn);
    expect(events).toHaveLength(503);
    expect(textOf(events)).toBe(numbers(500).join(""));
  });

  test("is merged when much waits: all of it comes, in order, in fewer events", async () => {
    await using stage = await acceptedTurn();
    const { server, client, turn } = stage;
    const others = client.notifications();
    server.sendTogether([...begin, ...numbers(5_000).map((text) => delta(text))]);
    await untilHere(server, client);
    server.sendTogether([turnCompleted(ids)]);
    const events = await collect(turn);
    expect(events).toHaveLength(mark + 1);
    expect(textOf(events)).toBe(numbers(5_000).join(""));
    expect(events.at(-2)).toEqual(
      delta(
        numbers(5_000)
          .slice(mark - 3)
          .join(""),
      ),
    );
    expect(events.at(-1)?.method).toBe("turn/completed");
    // Those that others have got are as they came.
    const seen: unknown[] = [];
    for await (const { method, params } of others) {
      if (method === "item/agentMessage/delta") seen.push(params.delta);
      if (seen.length === 5_000) break;
    }
    expect(seen).toEqual(numbers(5_000));
  });

  test.each<[string, Message, Message]>([
    ["of different items", { itemId: "msg-1" }, { itemId: "msg-2" }],
    ["of different parts", { summaryIndex: 0 }, { summaryIndex: 1 }],
    ["with different fields that nobody knows", { later: 1 }, { later: 2 }],
    ["with and without such a field", {}, { later: 2 }],
  ])("is not merged when it is %s", async (_name, one, other) => {
    await using stage = await acceptedTurn();
    const { server, client, turn } = stage;
    const pairs = numbers(1_000).flatMap((text) => [delta(text, one), delta(text, other)]);
    server.sendTogether([...begin, ...pairs, turnCompleted(ids)]);
    await untilHere(server, client);
    expect(await collect(turn)).toHaveLength(2_003);
  });

  test("is not merged with what is no text", async () => {
    await using stage = await acceptedTurn();
    const { server, client, turn } = stage;
    const progress = numbers(2_000).map((message) => ({
      method: "item/mcpToolCall/progress",
      params: { ...ids, itemId: "call", message },
    }));
    server.sendTogether([...begin, ...progress, turnCompleted(ids)]);
    await untilHere(server, client);
    expect(await collect(turn)).toHaveLength(2_003);
  });

  test("is all there in textStream(), however late it is read", async () => {
    await using stage = await acceptedTurn();
    const { server, turn } = stage;
    const texts = turn.textStream();
    const first = texts.next();
    server.sendTogether([...begin, ...numbers(5_000).map((text) => delta(text))]);
    expect(await first).toEqual({ value: "0 ", done: false });
    await settled();
    server.sendTogether([turnCompleted(ids)]);
    expect((await collect(texts)).join("")).toBe(numbers(5_000).slice(1).join(""));
  });
});

describe("when more waits than maxBacklogBytes", () => {
  const large = Array.from({ length: 60 }, (_, n) => delta("x".repeat(1_000), { itemId: `m${n}` }));
  const limit = { maxBacklogBytes: 50_000 };

  test("iterating throws, and the turn goes on to its result", async () => {
    await using stage = await acceptedTurn(limit);
    const { server, client, turn } = stage;
    const events = turn.stream();
    server.send(...begin);
    expect((await events.next()).value).toMatchObject({ method: "turn/started" });
    server.send(...large);
    await untilHere(server, client);
    const error = await rejection(events.next());
    expect(error).toBeInstanceOf(SlowConsumerError);
    expect(error).toMatchObject({ code: "SLOW_CONSUMER" });
    expect((error as Error).message).toMatch(/^More than 50000 bytes of a turn's events .*run\(\)/);
    expect(await events.next()).toEqual({ value: undefined, done: true });
    server.send(
      { method: "item/completed", params: { ...ids, item: agentMessage("msg-1", "All") } },
      turnCompleted(ids),
    );
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "All" });
    expect(server.paramsOf("turn/interrupt")).toEqual([]);
  });

  test("a turn that nobody has begun to read throws as well, and still has its result", async () => {
    await using stage = await acceptedTurn(limit);
    const { server, client, turn } = stage;
    server.send(...begin, ...large, turnCompleted(ids));
    await untilHere(server, client);
    expect(await rejection(collect(turn))).toBeInstanceOf(SlowConsumerError);
    expect(await turn.run()).toMatchObject({ status: "completed" });
  });

  test("leaving the loop before the error was seen interrupts the turn, as ever", async () => {
    await using stage = await acceptedTurn(limit);
    const { server, client, turn } = stage;
    server.handle("turn/interrupt", () => {
      server.send(turnCompleted(ids, { status: "interrupted" }));
      return {};
    });
    server.send(...begin);
    for await (const event of turn) {
      expect(event.method).toBe("turn/started");
      server.send(...large);
      await untilHere(server, client);
      break;
    }
    expect(server.paramsOf("turn/interrupt")).toHaveLength(1);
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
  });

  test("text that is merged counts as text only", async () => {
    await using stage = await acceptedTurn({ maxBacklogBytes: 500_000 });
    const { server, client, turn } = stage;
    server.sendTogether([...begin, ...numbers(10_000).map(() => delta("x"))]);
    await untilHere(server, client);
    server.send(turnCompleted(ids));
    expect(textOf(await collect(turn))).toBe("x".repeat(10_000));
  });

  test.each([0, -1, NaN, "1"])("%p is no limit", async (maxBacklogBytes) => {
    await using stage = await linkedThread();
    const { server, thread } = stage;
    const start = () => thread.turn("Hi", { maxBacklogBytes: maxBacklogBytes as number });
    expect(start).toThrow(InvalidArgumentError);
    expect(server.paramsOf("turn/start")).toEqual([]);
  });
});

test("a limit does not matter to run() alone", async () => {
  await using stage = await acceptedTurn({ maxBacklogBytes: 1 });
  const { server, turn } = stage;
  const result = turn.run();
  server.send(...begin, delta("Hello"), turnCompleted(ids));
  expect(await result).toMatchObject({ status: "completed" });
  expect(await rejection(collect(turn))).toBeInstanceOf(SlowConsumerError);
});

test("a turn that is not read holds up no other", async () => {
  await using stage = await linked();
  const { client, server } = stage;
  const [one, other] = [await client.startThread(), await client.startThread()];
  const [unread, read] = [one.turn("Hi", { maxBacklogBytes: 10_000 }), other.turn("Hi")];
  await Promise.all([unread.started, read.started]);
  const slow = unread.stream();
  server.sendTogether([
    ...begin,
    ...numbers(3_000).map((text) => delta(text)),
    turnStarted({ threadId: "thread-2", turnId: "turn-2" }),
    delta("Hello", {}, { threadId: "thread-2", turnId: "turn-2" }),
    turnCompleted({ threadId: "thread-2", turnId: "turn-2" }),
  ]);
  expect(textOf(await collect(read))).toBe("Hello");
  expect(await rejection(slow.next())).toBeInstanceOf(SlowConsumerError);
});

describe("sub-agents", () => {
  const child = { threadId: "child", turnId: "child-turn" };
  const spawn = {
    type: "collabAgentToolCall",
    id: "spawn",
    tool: "spawnAgent",
    status: "completed",
    senderThreadId: "thread-1",
    receiverThreadIds: ["child"],
    prompt: "Find it",
    agentsStates: {},
  };
  const both = numbers(3_000).map((text) => delta(text, {}, child));
  const messages = [
    turnStarted(ids),
    { method: "item/completed", params: { ...ids, item: spawn } },
    turnStarted(child),
    ...both,
    delta("mine"),
    turnCompleted(ids),
  ];

  test("what they write is merged too, and keeps its origin", async () => {
    await using stage = await acceptedTurn();
    const { server, client, turn } = stage;
    server.sendTogether(messages);
    await untilHere(server, client);
    const events = await collect(turn.stream({ subagents: true }));
    expect(events).toHaveLength(mark + 2);
    const own = events.filter(({ origin }) => origin.depth === 0);
    expect(textOf(own)).toBe("mine");
    const theirs = events.filter(({ origin }) => origin.threadId === "child");
    expect(textOf(theirs)).toBe(numbers(3_000).join(""));
    expect(new Set(theirs.map(({ origin }) => origin.turnId))).toEqual(new Set(["child-turn"]));
  });

  test("whoever does not want their events gets the turn's own, in order", async () => {
    await using stage = await acceptedTurn();
    const { server, client, turn } = stage;
    server.sendTogether(messages);
    await untilHere(server, client);
    const events = await collect(turn);
    expect(events.map(({ method }) => method)).toEqual([
      "turn/started",
      "item/completed",
      "item/agentMessage/delta",
      "turn/completed",
    ]);
  });
});
