import { afterEach, describe, expect, jest, test } from "@jest/globals";
import type { Turn } from "../../../lib/turn.js";
import { collect, rejection, settled, stepUntil } from "../../support/collect.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import { linkedThread } from "../../support/linked-server.js";
import { endedTurn, storeTurns } from "../../support/stored-turns.js";
import {
  opened,
  textMessages,
  turnCompleted,
  turnMessages,
  turnStarted,
  type Message,
  type Params,
  type TurnIds as Ids,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-9" };
const words = textMessages({ ...ids, text: "Goal work." });

function command(fields: Params): Params {
  const kind = { type: "commandExecution", id: "command-1", source: "userShell" };
  return { ...kind, command: "echo hi", exitCode: null, durationMs: null, ...fields };
}

const begun: Message = {
  method: "item/started",
  params: { ...ids, item: command({ status: "inProgress" }) },
};

const idle: Message = {
  method: "thread/status/changed",
  params: { threadId: "thread-1", status: { type: "idle" } },
};

function done(fields: Params = {}): Message {
  const item = command({ status: "completed", exitCode: 0, durationMs: 40, ...fields });
  return { method: "item/completed", params: { ...ids, item } };
}

/** A thread whose shell command has been sent, and everything else that watches it. */
async function started() {
  const pair = await linkedThread();
  const turn = pair.thread.shellCommand("echo hi");
  await pair.server.nextRequest("thread/shellCommand");
  return { ...pair, turn };
}

afterEach(() => {
  jest.useRealTimers();
});

function fakeTimers(): Parameters<typeof jest.useFakeTimers>[0] {
  return { doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] };
}

function pass(): void {
  jest.advanceTimersByTime(1_000);
}

const methods = async (turn: Turn) => (await collect(turn)).map(({ method }) => method);

describe("a shell command that is a turn by itself", () => {
  test("ends with its turn", async () => {
    await using pair = await started();
    const { server, turn } = pair;
    server.send(turnStarted(ids), begun, done(), turnCompleted(ids));
    const result = await turn.run();
    expect(result).toMatchObject({ id: "turn-9", status: "completed", durationMs: 1_000 });
    expect(result.items).toMatchObject([{ id: "command-1", exitCode: 0 }]);
    expect(pair.client.session.turns.size).toBe(0);
  });

  test("is interrupted with its turn, but not any more once it has completed", async () => {
    await using pair = await started();
    const { server, thread, turn } = pair;
    server.handle("turn/interrupt", () => {
      const aborted = done({ status: "failed", exitCode: -1 });
      server.send(aborted, turnCompleted(ids, { status: "interrupted" }));
      return {};
    });
    server.send(turnStarted(ids), begun);
    await settled();
    await turn.interrupt();
    expect(await turn.run()).toMatchObject({ status: "interrupted" });

    const next = thread.shellCommand("echo hi");
    await server.nextRequest("thread/shellCommand");
    server.send(turnStarted(ids), begun, done());
    await settled();
    await next.interrupt();
    server.send(turnCompleted(ids));
    expect(await next.run()).toMatchObject({ status: "completed" });
    expect(server.paramsOf("turn/interrupt")).toHaveLength(1);
  });
});

describe("a shell command whose turn ends before it has an item", () => {
  test("ends with that turn, once the thread is at rest", async () => {
    await using pair = await started();
    const { client, server, turn } = pair;
    server.handle("thread/read", () => opened("thread-1"));
    await settled();
    jest.useFakeTimers(fakeTimers());
    server.send(turnStarted(ids), turnCompleted(ids, { status: "interrupted" }));
    const run = turn.run();
    await stepUntil(run, pass);
    expect(await run).toMatchObject({ id: "turn-9", status: "interrupted", items: [] });
    expect(client.session.turns.size).toBe(0);
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
  });

  test("is not taken for another turn that has ended, with items or not", async () => {
    await using pair = await started();
    const { server, turn } = pair;
    server.handle("thread/read", () => opened("thread-1"));
    await settled();
    jest.useFakeTimers(fakeTimers());
    const [one, two] = ["goal-1", "goal-2"].map((turnId) => ({ ...ids, turnId })) as [Ids, Ids];
    server.send(turnStarted(one), ...textMessages({ ...one, text: "Work" }), turnCompleted(one));
    await settled();
    for (let second = 0; second < 5; second += 1) {
      pass();
      await settled();
    }
    expect(server.paramsOf("thread/read")).toEqual([]);
    server.send(turnStarted(two), turnCompleted(two, { status: "interrupted" }));
    server.send(turnStarted(ids), begun, done(), turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ id: "turn-9", status: "completed" });
  });
});

test("a shell command without an item ends soon after the turns of others that went on for long", async () => {
  await using pair = await started();
  const { server, turn } = pair;
  server.handle("thread/read", () => opened("thread-1"));
  await settled();
  jest.useFakeTimers(fakeTimers());
  server.send(turnStarted(ids), turnCompleted(ids, { status: "interrupted" }));
  for (let count = 0; count < 6; count += 1) {
    const other = { ...ids, turnId: `goal-${count}` };
    server.send(turnStarted(other), ...textMessages({ ...other, text: "Work" }));
    await settled();
    jest.advanceTimersByTime(60_000);
    await settled();
    server.send(turnCompleted(other));
    await settled();
    jest.advanceTimersByTime(500);
    await settled();
  }
  expect(server.paramsOf("thread/read")).toEqual([]);
  jest.advanceTimersByTime(1_000);
  await settled();
  expect(server.paramsOf("thread/read")).toHaveLength(1);
  expect(await turn.run()).toMatchObject({ id: "turn-9", status: "interrupted" });
});

describe("a shell command that becomes part of another turn", () => {
  test("shows only itself, and ends with itself, whichever item comes first", async () => {
    for (const first of ["the command", "the message"]) {
      await using pair = await started();
      const { server, turn } = pair;
      const events = methods(turn);
      server.send(turnStarted(ids));
      const [message, ...rest] = words as [Message, ...Message[]];
      server.send(...(first === "the command" ? [begun, message] : [message, begun]));
      server.send(...rest, done());
      const kinds = ["turn/started", "item/started", "item/completed", "turn/completed"];
      expect([first, await events]).toEqual([first, kinds]);
      expect(await turn.run()).toMatchObject({
        id: "turn-9",
        status: "completed",
        finalResponse: null,
        usage: null,
        items: [{ id: "command-1" }],
        durationMs: 40,
      });
    }
  });

  test("goes on when that turn ends, or fails, before it", async () => {
    for (const status of ["completed", "failed"]) {
      await using pair = await started();
      const { server, turn } = pair;
      server.send(turnStarted(ids), begun);
      if (status === "completed") server.send(...words);
      server.send(
        turnCompleted(ids, { status, error: status === "failed" ? { message: "" } : null }),
      );
      await settled();
      expect(turn.state.status).toBe("inProgress");
      server.send(done({ exitCode: 3, status: "failed" }));
      expect(await turn.run()).toMatchObject({ status: "completed", items: [{ exitCode: 3 }] });
      expect(pair.client.session.turns.size).toBe(0);
    }
  });

  test("ends when something else has come of that turn, and leaves all of it to those who watch for it", async () => {
    await using pair = await started();
    const { client, server, thread, turn } = pair;
    const turns = thread.unsolicitedTurns();
    await settled();
    server.send(turnStarted(ids), begun, done());
    await settled();
    expect(turn.state.status).toBe("inProgress");
    server.send(...words.slice(0, 1));
    expect(await turn.run()).toMatchObject({ status: "completed", durationMs: 40 });
    server.send(...words.slice(1), turnCompleted(ids));
    const { value: other } = await turns.next();
    expect(await collect(other as Turn)).toEqual([turnStarted(ids), ...words, turnCompleted(ids)]);
    await turns.return?.();
    expect(client.session.turns.size).toBe(0);
  });

  test("does not wait for that turn, even if nothing else has come of it", async () => {
    await using pair = await started();
    const { server, turn } = pair;
    jest.useFakeTimers(fakeTimers());
    server.send(turnStarted(ids), begun, done());
    await settled();
    expect(turn.state.status).toBe("inProgress");
    pass();
    expect(await turn.run()).toMatchObject({ status: "completed" });
    expect(jest.getTimerCount()).toBe(0);
  });

  test("leaves that turn, which has shown itself later, to those who watch for it", async () => {
    await using pair = await started();
    const { client, server, thread, turn } = pair;
    const turns = thread.unsolicitedTurns();
    await settled();
    jest.useFakeTimers(fakeTimers());
    server.send(turnStarted(ids), begun, done());
    await settled();
    pass();
    await turn.run();
    server.send(...words, turnCompleted(ids));
    const { value: other } = await turns.next();
    expect(await collect(other as Turn)).toEqual([turnStarted(ids), ...words, turnCompleted(ids)]);
    await turns.return?.();
    expect(client.session.turns.size).toBe(0);
  });

  test("is no turn that nobody has asked for when it is alone", async () => {
    await using pair = await started();
    const { client, server, thread, turn } = pair;
    const turns = thread.unsolicitedTurns();
    await settled();
    server.send(turnStarted(ids), begun, done(), idle, turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ status: "completed" });
    server.send(...turnMessages({ ...ids, turnId: "goal-1", text: "Work" }));
    expect((await turns.next()).value).toMatchObject({ state: { id: "goal-1" } });
    await turns.return?.();
    expect(client.session.turns.size).toBe(0);
  });

  test("leaves that turn to those who watch for it", async () => {
    await using pair = await started();
    const { server, thread, turn } = pair;
    const turns = thread.unsolicitedTurns();
    await settled();
    server.send(turnStarted(ids), begun, ...words, done(), turnCompleted(ids));
    await turn.run();
    const { value: other } = await turns.next();
    expect(await other?.run()).toMatchObject({ id: "turn-9", finalResponse: "Goal work." });
    await turns.return?.();
    expect(pair.client.session.turns.size).toBe(0);
  });

  test("is not stopped at the cost of that turn: leaving it, or a signal, lets both run on", async () => {
    const reason = new Error("enough");
    for (const way of ["interrupt", "leave", "signal"]) {
      await using pair = await linkedThread();
      const { client, server, thread } = pair;
      const stop = new AbortController();
      const turn = thread.shellCommand("echo hi", { signal: stop.signal });
      await server.nextRequest("thread/shellCommand");
      server.send(turnStarted(ids), begun, ...words);
      await settled();
      if (way === "interrupt") await turn.interrupt();
      if (way === "leave")
        for await (const { method } of turn) if (method === "item/started") break;
      const outcome = turn.run().then(
        ({ status }) => status,
        (error: unknown) => error,
      );
      if (way === "signal") stop.abort(reason);
      await settled();
      server.send(done(), turnCompleted(ids));
      expect([way, await outcome]).toEqual([way, way === "signal" ? reason : "completed"]);
      expect(server.paramsOf("turn/interrupt")).toEqual([]);
      expect(client.session.turns.size).toBe(0);
    }
  });

  test("is stopped together with that turn by somebody else", async () => {
    await using pair = await started();
    const { server, turn } = pair;
    server.send(turnStarted(ids), begun, ...words);
    server.send(done({ status: "failed", exitCode: -1 }));
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    server.send(turnCompleted(ids, { status: "interrupted" }));
  });

  test("has outlived that turn when the thread is unloaded: its end will not come", async () => {
    await using pair = await started();
    const { server, turn } = pair;
    server.send(turnStarted(ids), begun, ...words, turnCompleted(ids));
    const status = { threadId: "thread-1", status: { type: "notLoaded" } };
    server.notify("thread/status/changed", status);
    const result = await turn.run();
    expect(result).toMatchObject({ status: "completed", items: [{ status: "inProgress" }] });
  });

  test("and outlives it ends with what the server has stored, when its own end was missed", async () => {
    await using pair = await started();
    const { client, server, turn } = pair;
    const stored = storeTurns(server, { turns: [endedTurn("turn-9")] });
    const [{ item: message }] = words.slice(-1).map(({ params }) => params) as [{ item: Params }];
    stored.items.push({ turnId: "turn-9", item: message });
    server.send(turnStarted(ids), begun, ...words);
    await settled();
    jest.useFakeTimers(fakeTimers());
    server.send(turnCompleted(ids));
    // It may take its time, which the server is not bothered about too often.
    for (let second = 0; second < 60; second += 1) {
      await settled();
      pass();
    }
    expect(server.paramsOf("thread/turns/list")).toHaveLength(5);
    expect(turn.state.status).toBe("inProgress");
    const item = command({ status: "completed", exitCode: 0, durationMs: 70_000 });
    stored.items.push({ turnId: "turn-9", item });
    const run = turn.run();
    await stepUntil(run, pass);
    expect(await run).toMatchObject({
      ...{ status: "completed", durationMs: 70_000 },
      items: [{ id: "command-1", exitCode: 0 }],
    });
    expect(client.session.turns.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("and outlives it goes on when the server keeps no record", async () => {
    await using pair = await started();
    const { server, turn } = pair;
    server.handle("thread/read", () => opened("thread-1"));
    server.send(turnStarted(ids), begun, ...words);
    await settled();
    jest.useFakeTimers(fakeTimers());
    server.send(turnCompleted(ids), idle);
    for (let second = 0; second < 60; second += 1) {
      await settled();
      pass();
    }
    expect(turn.state.status).toBe("inProgress");
    server.send(done());
    expect(await turn.run()).toMatchObject({ status: "completed" });
  });

  test("is silent when it is, and the server has no record of its end", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const stored = storeTurns(server, { turns: [endedTurn("turn-9")] });
    const turn = thread.shellCommand("echo hi", { idleTimeoutMs: 20 });
    await server.nextRequest("thread/shellCommand");
    server.send(turnStarted(ids), begun, ...words, turnCompleted(ids));
    expect(await rejection(turn.run())).toMatchObject({ code: "TURN_STALLED", probe: "unknown" });
    const item = command({ status: "completed", exitCode: 4, durationMs: 40 });
    stored.items.push({ turnId: "turn-9", item });
    expect(await turn.run()).toMatchObject({ status: "completed", items: [{ exitCode: 4 }] });
  });
});

test("a shell command whose turn ends while the connection is away is no turn of somebody else", async () => {
  let isBack = (): void => undefined;
  const away = new Promise<void>((resolve) => {
    isBack = resolve;
  });
  await using link = await LinkedAnew.start({
    prepare: async (server, index) => {
      if (index > 0) await away;
      const item = command({ status: "completed", exitCode: 0, durationMs: 40 });
      const items = [{ turnId: "turn-9", item }];
      storeTurns(server, { turns: [endedTurn("turn-9")], items });
    },
  });
  const { client, server } = link;
  const thread = await client.startThread();
  const turns = thread.unsolicitedTurns();
  const turn = thread.shellCommand("echo hi");
  await server.nextRequest("thread/shellCommand");
  server.send(turnStarted(ids), begun);
  await turn.started;
  await settled();
  jest.useFakeTimers(fakeTimers());
  server.send(done());
  await settled();
  await link.drop();
  for (let second = 0; second < 5; second += 1) {
    pass();
    await settled();
  }
  expect(turn.state.status).toBe("inProgress");
  isBack();
  const run = turn.run();
  await stepUntil(run, pass);
  expect(await run).toMatchObject({ status: "completed", durationMs: 3_000 });
  link.server.send(...turnMessages({ ...ids, turnId: "goal-1", text: "Work" }));
  expect((await turns.next()).value).toMatchObject({ state: { id: "goal-1" } });
  await turns.return?.();
});
