import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { ThreadBusyError } from "../../../lib/errors/rpc-errors.js";
import { collect, rejection, settled, stepUntil } from "../../support/collect.js";
import { png } from "../../support/images.js";
import {
  later,
  linkedThread,
  ResponseError,
  textsSent,
  type Handler,
} from "../../support/linked-server.js";
import { missingMethod } from "../../support/stored-turns.js";
import { makeTempDir } from "../../support/temp-dir.js";
import {
  opened,
  turnCompleted,
  turnMessages,
  turnRecord,
  turnStarted,
} from "../../support/turn-messages.js";

const threadId = "thread-1";
const ids = { threadId, turnId: "turn-1" };

describe('"queue", the default', () => {
  test("sends three turns one after the other, in the order of the calls", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turns = ["A", "B", "C"].map((text) => thread.turn(text));
    for (const [index, turn] of turns.entries()) {
      const { id } = await turn.started;
      expect(textsSent(server)).toEqual(["A", "B", "C"].slice(0, index + 1));
      server.turn({ threadId, turnId: id, text: `to ${index}` });
      expect((await turn.run()).finalResponse).toBe(`to ${index}`);
    }
    expect(turns.map(({ id }) => id)).toEqual(["turn-1", "turn-2", "turn-3"]);
  });

  test.each([
    ["completed", {}],
    ["failed", { error: { message: "no" } }],
    ["interrupted", {}],
  ])("lets the next turn go when one is %s", async (status, fields) => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const first = thread.turn("A");
    const second = thread.turn("B");
    await first.started;
    server.send(turnStarted(ids), turnCompleted(ids, { status, ...fields }));
    expect(await second.started).toEqual({ id: "turn-2" });
  });

  test("lets the next turn go when one is refused", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => {
      throw new ResponseError(-32_602, "input too large");
    });
    const first = thread.turn("A");
    const second = thread.turn("B");
    const outcomes = await Promise.all([rejection(first.run()), rejection(second.run())]);
    expect(outcomes).toMatchObject([{ code: "INVALID_PARAMS" }, { code: "INVALID_PARAMS" }]);
  });

  test("is shared by all handles of a thread, and by no other thread", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const other = await client.startThread();
    thread.turn("A");
    client.thread(threadId).turn("B");
    const unrelated = other.turn("C");
    await unrelated.started;
    expect(textsSent(server)).toEqual(["A", "C"]);
  });

  test("waits for a turn that somebody else started", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const foreign = { threadId, turnId: "goal-turn" };
    server.send(turnStarted(foreign));
    await settled();
    const turn = thread.turn("A");
    await settled();
    expect(textsSent(server)).toEqual([]);
    server.send(...turnMessages({ ...foreign, text: "Done" }).slice(1));
    await turn.started;
    expect(textsSent(server)).toEqual(["A"]);
  });

  test("waits for a review, whose turn/started has another id than its turn/completed", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.send(turnStarted({ threadId, turnId: "review-x" }));
    await settled();
    const turn = thread.turn("A");
    await settled();
    expect(textsSent(server)).toEqual([]);
    server.send(turnCompleted({ threadId, turnId: "review-r" }));
    await turn.started;
    expect(textsSent(server)).toEqual(["A"]);
  });

  test("waits on a thread that was active when it was resumed", async () => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    server.handle("thread/resume", () => opened("busy", { type: "active", activeFlags: [] }));
    const thread = await client.resumeThread("busy");
    const turn = thread.turn("A");
    await settled();
    expect(textsSent(server)).toEqual([]);
    server.send(turnCompleted({ threadId: "busy", turnId: "before" }));
    await turn.started;
    expect(textsSent(server)).toEqual(["A"]);
  });

  test.each(["thread/closed", "thread/archived", "thread/deleted"])(
    "does not wait for a turn that ended with its thread: %s",
    async (method) => {
      await using pair = await linkedThread();
      const { server, thread } = pair;
      server.send(turnStarted({ threadId, turnId: "foreign" }));
      await settled();
      const turn = thread.turn("A");
      server.notify(method, { threadId });
      await turn.started;
      expect(textsSent(server)).toEqual(["A"]);
    },
  );
});

describe('"reject"', () => {
  test("fails at once on a thread that runs a turn, and sends nothing", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const first = thread.turn("A");
    await first.started;
    const second = thread.turn("B", { whenBusy: "reject" });
    const error = await rejection(second.run());
    expect(error).toBeInstanceOf(ThreadBusyError);
    expect(error).toMatchObject({ code: "THREAD_BUSY", method: "turn/start" });
    expect(await rejection(second.started)).toBeInstanceOf(ThreadBusyError);
    expect(await rejection(collect(second))).toBeInstanceOf(ThreadBusyError);
    expect(textsSent(server)).toEqual(["A"]);
    server.turn({ ...ids, text: "Hello" });
    expect((await first.run()).finalResponse).toBe("Hello");
  });

  test("fails also when the turn is somebody else's", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.send(turnStarted({ threadId, turnId: "foreign" }));
    await settled();
    const turn = thread.turn("A", { whenBusy: "reject" });
    expect(await rejection(turn.run())).toBeInstanceOf(ThreadBusyError);
    expect(textsSent(server)).toEqual([]);
  });

  test("runs on an idle thread, one of two that come together", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const first = thread.turn("A", { whenBusy: "reject" });
    const second = thread.turn("B", { whenBusy: "reject" });
    expect(await rejection(second.run())).toBeInstanceOf(ThreadBusyError);
    await first.started;
    expect(textsSent(server)).toEqual(["A"]);
  });
});

describe("the order of the calls holds", () => {
  test("when the second one steers", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => ({ turn: turnRecord("turn-1") }));
    const first = thread.turn("A");
    const second = thread.turn("B", { whenBusy: "steer" });
    await Promise.all([first.started, second.started]);
    expect(textsSent(server)).toEqual(["A", "B"]);
  });

  test("when the first one has a file to look at", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    await using directory = await makeTempDir();
    const file = path.join(directory.path, "dot.png");
    await writeFile(file, png);
    const first = thread.turn({ type: "localImage", path: file });
    const second = thread.turn("B");
    await Promise.race([first.started, second.started]);
    expect(server.paramsOf("turn/start")).toMatchObject([{ input: [{ type: "image" }] }]);
  });
});

test("a thread that turns out to be active while a turn loads it counts as busy", async () => {
  await using pair = await linkedThread();
  const { client, server } = pair;
  server.handle("thread/resume", () => opened("busy", { type: "active", activeFlags: [] }));
  const turn = client.thread("busy").turn("A");
  await server.nextRequest("thread/resume");
  await settled();
  expect(textsSent(server)).toEqual([]);
  server.send(turnCompleted({ threadId: "busy", turnId: "before" }));
  await turn.started;
  expect(textsSent(server)).toEqual(["A"]);
});

test("a turn of somebody else that follows the one that ran counts, too", async () => {
  await using pair = await linkedThread();
  const { client, server } = pair;
  server.handle("thread/resume", () => opened("busy", { type: "active", activeFlags: [] }));
  const turn = client.thread("busy").turn("A");
  await server.nextRequest("thread/resume");
  await settled();
  const foreign = (turnId: string) => ({ threadId: "busy", turnId });
  server.sendTogether([turnCompleted(foreign("one")), turnStarted(foreign("two"))]);
  await settled();
  expect(textsSent(server)).toEqual([]);
  server.send(turnCompleted(foreign("two")));
  await turn.started;
  expect(textsSent(server)).toEqual(["A"]);
});

test("a thread that is idle, and refuses turns as busy, is not asked for ever", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/start", () => {
    throw new ResponseError(-32_603, "ActiveTurnNotSteerable { turn_kind: Review }");
  });
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
  try {
    const run = rejection(thread.run("Hi"));
    await stepUntil(run, () => {
      jest.advanceTimersByTime(1_000);
    });
    expect(await run).toBeInstanceOf(ThreadBusyError);
    expect(server.paramsOf("turn/start").length).toBeLessThan(30);
  } finally {
    jest.useRealTimers();
  }
});

describe("after a turn that was given up without a word of its end", () => {
  const graceMs = 10_000;

  /** A thread whose first turn has timed out, on a server that does not interrupt it. */
  async function givenUp(read: Handler) {
    const pair = await linkedThread();
    pair.server.handle("thread/read", read);
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    const turn = pair.thread.turn("One", { timeoutMs: 100 });
    await turn.started;
    pair.server.send(turnStarted(ids));
    await settled();
    const run = rejection(turn.run());
    jest.advanceTimersByTime(100);
    await settled();
    jest.advanceTimersByTime(graceMs);
    expect(await run).toMatchObject({ code: "TURN_TIMEOUT" });
    return pair;
  }

  afterEach(() => {
    jest.useRealTimers();
  });

  test.each([
    ["says that the thread is idle", () => ({ thread: { status: { type: "idle" } } })],
    ["refuses to tell", missingMethod],
    ["does not answer", () => later],
    [
      "is too busy to tell",
      () => {
        throw new ResponseError(-32_001, "Server overloaded; retry later.");
      },
    ],
  ])("the next one goes when the server %s", async (_, read) => {
    await using pair = await givenUp(read);
    const next = pair.thread.turn("Two");
    await stepUntil(next.started, () => {
      jest.advanceTimersByTime(1_000);
    });
    expect(textsSent(pair.server)).toEqual(["One", "Two"]);
  });

  test("the next one waits as long as the server says that the thread is active", async () => {
    let type = "active";
    await using pair = await givenUp(() => ({ thread: { status: { type } } }));
    const { server, thread } = pair;
    const next = thread.turn("Two");
    for (let second = 0; second < 100; second += 1) {
      await settled();
      jest.advanceTimersByTime(1_000);
    }
    expect(textsSent(server)).toEqual(["One"]);
    expect(server.paramsOf("thread/read").length).toBeLessThan(10);
    type = "idle";
    await stepUntil(next.started, () => {
      jest.advanceTimersByTime(1_000);
    });
  });
});
