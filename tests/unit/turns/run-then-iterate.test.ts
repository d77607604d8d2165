import { describe, expect, test } from "@jest/globals";
import { SlowConsumerError, TurnStreamError, type AppServerClient } from "../../../lib/index.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { linkedThread, type LinkedServer } from "../../support/linked-server.js";
import {
  textMessages,
  turnCompleted,
  turnMessages,
  turnStarted,
  type Message,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const script = { ...ids, text: "Hello there" };
const methods = turnMessages(script).map(({ method }) => method);
const MiB = 1_048_576;

const big = (bytes: number): Message => ({
  method: "item/novel",
  params: { ...ids, text: "x".repeat(bytes) },
});

function waiting(client: AppServerClient): number {
  return client.session.backlogs.bytes;
}

async function send(server: LinkedServer, ...messages: Message[]): Promise<void> {
  server.send(...messages);
  await settled();
}

describe("a turn that is iterated after run() was called", () => {
  test.each<[string, (server: LinkedServer) => Promise<void>]>([
    ["in the same tick", () => Promise.resolve()],
    ["when it has begun", (server) => send(server, turnStarted(ids))],
    ["when it has ended", (server) => send(server, ...turnMessages(script))],
  ])("%s has all its events", async (when, prepare) => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const result = turn.run();
    await prepare(server);
    const events = collect(turn);
    if (when === "in the same tick") server.turn(script);
    if (when === "when it has begun") server.send(...turnMessages(script).slice(1));
    expect((await events).map(({ method }) => method)).toEqual(methods);
    expect((await result).finalResponse).toBe("Hello there");
  });

  test("and has ended has its text and its messages, too", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    server.turn(script);
    await turn.run();
    expect(await collect(turn.textStream())).toEqual(["Hello ", "there"]);
  });

  test("has lost them when they were more than 1 MiB, and says so", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const result = turn.run();
    await send(server, turnStarted(ids), big(MiB / 2));
    expect(waiting(client)).toBeGreaterThan(MiB / 2);
    await send(server, big(MiB / 2));
    expect(waiting(client)).toBe(0);
    await send(server, big(MiB / 2), ...textMessages(script), turnCompleted(ids));
    expect(waiting(client)).toBe(0);
    expect(() => turn.stream()).toThrow(TurnStreamError);
    expect(() => turn.stream()).toThrow("run() was called without iterating");
    expect(await rejection(collect(turn.textStream()))).toMatchObject({
      code: "TURN_STREAM_UNAVAILABLE",
    });
    expect((await result).finalResponse).toBe("Hello there");
  });

  test("keeps more than that once it is iterated, and before run() is called", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    await send(server, turnStarted(ids), big(3 * MiB));
    const result = turn.run();
    const events = turn.stream();
    await send(server, big(3 * MiB), turnCompleted(ids));
    expect(waiting(client)).toBeGreaterThan(6 * MiB);
    await result;
    expect(waiting(client)).toBeGreaterThan(6 * MiB);
    expect(await collect(events)).toHaveLength(4);
    expect(waiting(client)).toBe(0);
  });

  test("lets go of what is more when run() has given its result", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    await send(server, turnStarted(ids), big(3 * MiB), turnCompleted(ids));
    expect(waiting(client)).toBeGreaterThan(3 * MiB);
    await turn.run();
    expect(waiting(client)).toBe(0);
    expect(() => turn.stream()).toThrow(TurnStreamError);
  });

  test("keeps to a smaller maxBacklogBytes", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi", { maxBacklogBytes: 10_000 });
    await turn.started;
    const result = turn.run();
    await send(server, turnStarted(ids), big(20_000), turnCompleted(ids));
    expect((await result).status).toBe("completed");
    expect(await rejection(collect(turn))).toBeInstanceOf(SlowConsumerError);
  });
});

test("thread.run(), whose handle nobody gets, keeps nothing", async () => {
  await using pair = await linkedThread();
  const { client, server, thread } = pair;
  const result = thread.run("Hi");
  await server.nextRequest("turn/start");
  await send(server, turnStarted(ids), big(MiB / 2), ...textMessages(script));
  expect(waiting(client)).toBe(0);
  server.send(turnCompleted(ids));
  expect((await result).finalResponse).toBe("Hello there");
});

test("what is kept beside a lone run() is dropped before what somebody reads", async () => {
  await using pair = await linkedThread({ maxTotalBacklogBytes: MiB });
  const { server, thread } = pair;
  const other = await pair.client.startThread();
  const [spare, read] = [thread.turn("Hi"), other.turn("Hi")];
  const { id } = await read.started;
  const own = { threadId: other.id, turnId: id };
  await spare.started;
  const result = spare.run();
  const events = read.stream();
  await send(server, turnStarted(ids), big(MiB / 4), turnStarted(own));
  const text = "x".repeat(MiB / 2 + MiB / 4);
  await send(server, { method: "item/novel", params: { ...own, text } });
  await send(server, turnCompleted(ids), turnCompleted(own));
  expect(await collect(events)).toHaveLength(3);
  expect((await result).status).toBe("completed");
  expect(await rejection(collect(spare))).toBeInstanceOf(SlowConsumerError);
});
