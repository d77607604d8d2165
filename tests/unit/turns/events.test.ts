import { describe, expect, test } from "@jest/globals";
import { collect, settled } from "../../support/collect.js";
import { answer, later, linkedThread } from "../../support/linked-server.js";
import {
  textMessages,
  turnCompleted,
  turnMessages,
  turnRecord,
  turnStarted,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

test("turn/start is sent at once, with the input as a list of items", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  thread.turn("Hi");
  const { params } = await server.nextRequest("turn/start");
  expect(params).toEqual({
    threadId: "thread-1",
    clientUserMessageId: expect.any(String),
    input: [{ type: "text", text: "Hi", text_elements: [] }],
  });
});

test("iterating yields the server's notifications as sent, in order, to the end", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const messages = turnMessages({ ...ids, text: "one two three" });
  server.send(...messages);
  expect(await collect(turn)).toEqual(messages);
});

test.each([
  [{ ...ids }],
  [{ threadId: "thread-1", turn: { id: "turn-1" } }],
  [{ thread: { id: "thread-1" }, turn: { id: "turn-1" } }],
  [{ turnId: "turn-1" }],
  [{ turn: { id: "turn-1" } }],
])("a method that nobody knows yet reaches the turn that it names in %j", async (params) => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/start", () => later);
  const turn = thread.turn("Hi");
  const request = await server.nextRequest("turn/start");
  const novel = { method: "turn/novel", params };
  // Before the answer, behind it, and once more at the end.
  server.send(novel);
  server.respond(request, { turn: turnRecord("turn-1") });
  const [started = {}, ...rest] = turnMessages({ ...ids, text: "Hello" });
  server.send(started, novel, ...rest.slice(0, -1), novel, ...rest.slice(-1));
  const events = await collect(turn);
  expect(events.filter(({ method }) => (method as string) === "turn/novel")).toEqual(
    Array(3).fill(novel),
  );
  expect(events.at(-1)?.method).toBe("turn/completed");
});

test("the answer names the turn: started and id", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/start", () => later);
  const turn = thread.turn("Hi");
  expect(turn.threadId).toBe("thread-1");
  expect(turn.id).toBeUndefined();
  const request = await server.nextRequest("turn/start");
  expect(turn.id).toBeUndefined();
  server.respond(request, { turn: turnRecord("turn-7") });
  expect(await turn.started).toEqual({ id: "turn-7" });
  expect(turn.id).toBe("turn-7");
  server.turn({ threadId: "thread-1", turnId: "turn-7", text: "Hello" });
  expect((await turn.run()).id).toBe("turn-7");
});

test("the state follows the events as they are received", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  expect(turn.state).toMatchObject({ status: "inProgress", items: [], openItems: [] });
  await turn.started;
  const [itemStarted, ...rest] = textMessages({ ...ids, text: "Hello there" });
  server.send(turnStarted(ids), itemStarted ?? {}, rest[0] ?? {});
  const events = turn.stream();
  for (let count = 0; count < 3; count += 1) await events.next();
  const early = turn.state;
  expect(early.openItems).toMatchObject([{ text: "Hello " }]);
  server.send(...rest.slice(1), turnCompleted(ids));
  await collect(events);
  expect(early.openItems).toMatchObject([{ text: "Hello " }]);
  expect(turn.state).toMatchObject({
    id: "turn-1",
    status: "completed",
    items: [{ text: "Hello there" }],
    openItems: [],
    durationMs: 1_000,
  });
});

test("a turn is not a thenable: awaiting it gives the turn itself", async () => {
  await using pair = await linkedThread();
  const turn = pair.thread.turn("Hi");
  expect("then" in turn).toBe(false);
  expect(await (turn as unknown)).toBe(turn);
});

describe("events that come early", () => {
  test("a whole turn before the response", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => later);
    const turn = thread.turn("Hi");
    const request = await server.nextRequest("turn/start");
    const messages = turnMessages({ ...ids, text: "Hello there" });
    server.send(...messages);
    await settled();
    server.respond(request, { turn: turnRecord("turn-1") });
    expect(await collect(turn)).toEqual(messages);
    expect((await turn.run()).finalResponse).toBe("Hello there");
  });

  test("a whole turn in the chunk of the response", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => later);
    const turn = thread.turn("Hi");
    const request = await server.nextRequest("turn/start");
    const messages = turnMessages({ ...ids, text: "Hello there" });
    server.sendTogether([answer(request, { turn: turnRecord("turn-1") }), ...messages]);
    expect(await collect(turn)).toEqual(messages);
  });

  test("some before the response, some behind it, in one chunk", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => later);
    const turn = thread.turn("Hi");
    const request = await server.nextRequest("turn/start");
    const messages = turnMessages({ ...ids, text: "Hello there" });
    const response = answer(request, { turn: turnRecord("turn-1") });
    server.sendTogether([...messages.slice(0, 3), response, ...messages.slice(3)]);
    expect(await collect(turn)).toEqual(messages);
  });

  test("of another turn of the thread: they stay out", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => later);
    const turn = thread.turn("Hi");
    const request = await server.nextRequest("turn/start");
    const ours = turnMessages({ ...ids, text: "ours" });
    server.send(...textMessages({ threadId: "thread-1", turnId: "foreign", text: "not ours" }));
    server.send(...ours.slice(0, 2));
    server.respond(request, { turn: turnRecord("turn-1") });
    server.send(...ours.slice(2));
    expect(await collect(turn)).toEqual(ours);
  });
});

describe("events of others", () => {
  test("of a foreign turn on the same thread are not mixed in", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const ours = turnMessages({ ...ids, text: "Hello there" });
    const foreign = textMessages({
      threadId: "thread-1",
      turnId: "foreign",
      text: "Something else",
    });
    server.send(...ours.slice(0, 2), ...foreign, ...ours.slice(2));
    expect(await collect(turn)).toEqual(ours);
  });

  test("of a child thread are not mixed in, not even with the same turn id", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const ours = turnMessages({ ...ids, text: "Hello there" });
    const child = turnMessages({ threadId: "child", turnId: "turn-1", text: "From the child" });
    server.send(...ours.slice(0, 2), ...child, ...ours.slice(2));
    expect(await collect(turn)).toEqual(ours);
  });

  test("two threads interleaved: each turn gets its own", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const other = await client.startThread();
    const turns = [thread.turn("A"), other.turn("B")];
    const scripts = await Promise.all(
      turns.map(async (turn) => {
        const { id } = await turn.started;
        return turnMessages({ threadId: turn.threadId, turnId: id, text: `from ${turn.threadId}` });
      }),
    );
    const [first = [], second = []] = scripts;
    server.sendTogether(first.flatMap((message, index) => [message, second[index] ?? {}]));
    expect(await Promise.all(turns.map(collect))).toEqual(scripts);
  });
});
