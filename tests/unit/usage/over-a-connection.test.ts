import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { AppServerClient, Budget, Codex, type TurnUsageRecord } from "../../../lib/index.js";
import { FakeAppServer } from "../../../lib/testing/index.js";
import { noTokens } from "../../../lib/usage/tokens.js";
import { UsageLedger } from "../../../lib/usage/usage-ledger.js";
import { rejection, settled } from "../../support/collect.js";
import { linked, linkedThread, LinkedServer } from "../../support/linked-server.js";
import { storeTurns } from "../../support/stored-turns.js";
import { counts } from "../../support/told-usage.js";
import {
  agentMessage,
  opened,
  turnCompleted,
  turnRecord,
  turnStarted,
  type TurnIds,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

afterEach(() => {
  jest.restoreAllMocks();
});

function used({ threadId, turnId }: TurnIds, total: number, last: number) {
  const tokenUsage = { total: counts(total), last: counts(last), modelContextWindow: null };
  return { method: "thread/tokenUsage/updated", params: { threadId, turnId, tokenUsage } };
}

/** A turn of 15 tokens from its start to its end. */
function wholeTurn(server: LinkedServer, of: TurnIds): void {
  server.send(turnStarted(of), used(of, 15, 15), turnCompleted(of));
}

describe("the records of a client", () => {
  test("end with the client, and what came before is still read", async () => {
    const { client, server } = await linkedThread();
    const records = client.usage.turns();
    wholeTurn(server, ids);
    server.send(turnStarted({ ...ids, turnId: "turn-2" }));
    await settled();
    await client.close();
    const read: TurnUsageRecord[] = [];
    for await (const record of records) read.push(record);
    expect(read.map(({ turnId, status }) => [turnId, status])).toEqual([
      ["turn-1", "completed"],
      ["turn-2", "unknown"],
    ]);
  });

  test("stop with a signal, and leave nothing behind", async () => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    const abort = new AbortController();
    const records = client.usage.turns({ signal: abort.signal });
    abort.abort(new Error("Enough."));
    wholeTurn(server, ids);
    await settled();
    await expect(records.next()).rejects.toThrow("Enough.");
    const left = client.usage.turns();
    await left.return?.();
    expect(await left.next()).toEqual({ done: true, value: undefined });
  });

  test("fail when more wait than anybody reads: none is dropped silently", async () => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    const records = client.usage.turns();
    for (let i = 0; i <= 10_000; i += 1) wholeTurn(server, { ...ids, turnId: `turn-${i}` });
    await settled();
    await expect(records.next()).rejects.toMatchObject({ code: "SLOW_CONSUMER" });
  });

  test("fail when the connection of a lone client is lost", async () => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    const records = client.usage.turns();
    server.send(turnStarted(ids), used(ids, 15, 15));
    server.crash();
    await client.closed;
    expect(await records.next()).toMatchObject({ value: { turnId: "turn-1", status: "unknown" } });
    await expect(records.next()).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
  });

  test("of a Codex start nothing, and go on over its servers", async () => {
    const server = new FakeAppServer();
    const codex = new Codex({ server });
    const records = codex.usage.turns();
    await settled();
    expect(codex.currentStatus.state).toBe("idle");
    for (const tokens of [7, 9]) {
      server.onNextTurn((turn) => {
        turn.reply("Done.").usage({ totalTokens: tokens });
      });
      const thread = await codex.startThread();
      await thread.run("Hi");
      expect(await records.next()).toMatchObject({
        value: { threadId: thread.id, tokens: { total: tokens } },
      });
      await (await codex.client()).close();
      expect(codex.currentStatus.state).toBe("idle");
    }
    await codex.close();
    expect(await records.next()).toEqual({ done: true, value: undefined });
  });

  test("take no options that are not known", async () => {
    await using pair = await linked();
    const { client } = pair;
    const call = (options: object) => () => client.usage.turns(options);
    expect(call({ since: 5 })).toThrow(expect.objectContaining({ argument: "since" }));
    expect(call({ signal: 5 })).toThrow(expect.objectContaining({ argument: "signal" }));
  });
});

describe("a turn that its budget stops", () => {
  test("is given up when the server does not confirm that it stopped, and is stopped still", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const set = jest.spyOn(globalThis, "setTimeout");
    server.handle("turn/interrupt", () => new Promise(() => undefined));
    const run = rejection(thread.run("Hi", { budget: { tokens: 10 } }));
    await server.nextRequest("turn/start");
    server.send(turnStarted(ids), used(ids, 15, 15));
    expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
    set.mock.calls.find((call) => call[1] === 10_000)?.[0]();
    expect(await run).toMatchObject({
      code: "BUDGET_EXCEEDED",
      sent: true,
      stopConfirmed: false,
      result: { id: "turn-1", status: "inProgress" },
    });
  });

  test("after a signal is not waited for any longer than the signal has it", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const set = jest.spyOn(globalThis, "setTimeout");
    const graces = () => set.mock.calls.filter((call) => call[1] === 10_000);
    server.handle("turn/interrupt", () => new Promise(() => undefined));
    const controller = new AbortController();
    const budget = new Budget({ tokens: 10 });
    const run = rejection(thread.run("Hi", { budget, signal: controller.signal }));
    await server.nextRequest("turn/start");
    server.send(turnStarted(ids));
    await settled();
    controller.abort("the user left");
    await server.nextRequest("turn/interrupt");
    server.send(used(ids, 15, 15));
    await settled();
    expect(budget.isUsedUp).toBe(true);
    expect(graces()).toHaveLength(1);
    graces()[0]?.[0]();
    expect(await run).toBe("the user left");
  });

  test("that waits for its thread is never sent", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const budget = new Budget({ tokens: 10 });
    const first = thread.turn("One", { budget });
    const second = rejection(thread.run("Two", { budget }));
    await first.started;
    wholeTurn(server, ids);
    expect(await first.run()).toMatchObject({ status: "completed" });
    expect(await second).toMatchObject({ code: "BUDGET_EXCEEDED", sent: false, result: null });
    expect(server.paramsOf("turn/start")).toHaveLength(1);
  });

  test("fails as it did when it failed by itself", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const run = rejection(thread.run("Hi", { budget: { tokens: 10 } }));
    await server.nextRequest("turn/start");
    const error = { message: "No.", codexErrorInfo: "other", additionalDetails: null };
    server.send(
      turnStarted(ids),
      used(ids, 15, 15),
      turnCompleted(ids, { status: "failed", error }),
    );
    expect(await run).toMatchObject({ code: "TURN_FAILED" });
  });

  test("behind its answer goes on when the budget is topped up before it has been stopped", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const budget = new Budget({ tokens: 10 });
    const run = thread.run("Hi", { budget });
    await server.nextRequest("turn/start");
    const item = agentMessage("msg-1", "Half of it");
    server.send(
      turnStarted(ids),
      { method: "item/completed", params: { ...ids, item } },
      used(ids, 15, 15),
    );
    await settled();
    budget.topUp({ tokens: 100 });
    const command = { type: "commandExecution", id: "command-1", status: "inProgress" };
    server.send({ method: "item/started", params: { ...ids, item: command } }, used(ids, 30, 15));
    await settled();
    expect(server.paramsOf("turn/interrupt")).toEqual([]);
    server.send(turnCompleted(ids));
    expect(await run).toMatchObject({ status: "completed" });
  });

  test("behind its answer is stopped when what it was topped up by is used up, too", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const budget = new Budget({ tokens: 10 });
    const run = rejection(thread.run("Hi", { budget }));
    await server.nextRequest("turn/start");
    const item = agentMessage("msg-1", "Half of it");
    server.send(
      turnStarted(ids),
      { method: "item/completed", params: { ...ids, item } },
      used(ids, 15, 15),
    );
    await settled();
    budget.topUp({ tokens: 10 });
    const command = { type: "commandExecution", id: "command-1", status: "inProgress" };
    server.send({ method: "item/started", params: { ...ids, item: command } }, used(ids, 30, 15));
    expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
    server.send(turnCompleted(ids, { status: "interrupted" }));
    expect(await run).toMatchObject({ code: "BUDGET_EXCEEDED" });
  });
});

describe("a turn that somebody else has started", () => {
  type Budgets = Partial<Record<"client" | "thread" | "turn", Budget>>;

  /** A client with this budget, and its server, on which the turn runs. */
  async function clientOf(budget: Budget | undefined) {
    const server = new LinkedServer();
    // As a `Codex` does with its budget.
    const source = { usage: new UsageLedger(budget) };
    const client = await AppServerClient.attach(server.transport, {}, source);
    const status = { type: "active", activeFlags: [] };
    server.handle("thread/resume", () => opened(ids.threadId, status));
    server.handle("thread/read", () => ({ thread: { status } }));
    storeTurns(server, { turns: [turnRecord(ids.turnId, { startedAt: 5 })] });
    return { client, server };
  }

  /** The same with a handle on the turn, and with the budgets of the client, of its thread and of the handle. */
  async function attached({ client: budget, thread, turn: ofTurn }: Budgets) {
    const { client, server } = await clientOf(budget);
    const pair = { client, server, [Symbol.asyncDispose]: () => client.close() };
    const handle = client.thread(ids.threadId, { budget: thread });
    const turn = handle.attachTurn({ id: ids.turnId }, { budget: ofTurn });
    await turn.started;
    await server.nextRequest("thread/items/list");
    return { pair, turn };
  }

  /** The model works on: tokens up to `total`, and then it calls for a command. */
  function worksOn(server: LinkedServer, total: number): void {
    const item = { type: "commandExecution", id: `command-${total}`, status: "inProgress" };
    server.send({ method: "item/started", params: { ...ids, item } }, used(ids, total, 15));
  }

  const scopes = ["client", "thread", "turn"] as const;
  test.each(scopes)("is stopped by the budget of the %s", async (scope) => {
    const budget = new Budget({ tokens: 10 });
    const { pair, turn } = await attached({ [scope]: budget });
    await using _ = pair;
    const { server } = pair;
    const run = rejection(turn.run());
    worksOn(server, 1_015);
    expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
    server.send(turnCompleted(ids, { status: "interrupted" }));
    expect(await run).toMatchObject({
      code: "BUDGET_EXCEEDED",
      scope,
      result: { id: ids.turnId, status: "interrupted" },
    });
    expect(budget.spent.tokens).toBe(15);
  });

  /** A budget of which nothing remains. */
  function usedUp(): Budget {
    const budget = new Budget({ tokens: 10 });
    const tokens = { ...noTokens, input: 10, total: 10 };
    budget.charge({ model: "gpt-x", modelProvider: null, serviceTier: null, tokens }, "turn-0");
    return budget;
  }

  test.each(scopes)(
    "is stopped at once when the budget of the %s was used up before",
    async (scope) => {
      const budget = usedUp();
      const { pair, turn } = await attached({ [scope]: budget });
      await using _ = pair;
      const run = rejection(turn.run());
      expect((await pair.server.nextRequest("turn/interrupt")).params).toEqual(ids);
      pair.server.send(turnCompleted(ids, { status: "interrupted" }));
      expect(await run).toMatchObject({ code: "BUDGET_EXCEEDED", scope });
      expect(budget.spent.tokens).toBe(10);
    },
  );

  test("is stopped at once when unsolicitedTurns() comes upon it, and the budget was used up before", async () => {
    const { client, server } = await clientOf(usedUp());
    await using _ = client;
    const turns = client.thread(ids.threadId).unsolicitedTurns();
    const { value: turn } = await turns.next();
    expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
    server.send(turnCompleted(ids, { status: "interrupted" }));
    expect(await turn?.run()).toMatchObject({ id: ids.turnId, status: "interrupted" });
    await turns.return?.();
  });

  test("may have used more than is told here", async () => {
    const { pair, turn } = await attached({});
    await using _ = pair;
    const { client, server } = pair;
    const records = client.usage.turns();
    worksOn(server, 1_015);
    server.send(turnCompleted(ids));
    expect(await turn.run()).toMatchObject({
      usageWithSubagents: { tokens: { total: 15 }, isLowerBound: true },
    });
    expect(await records.next()).toMatchObject({
      value: { tokens: { total: 15 }, isLowerBound: true, status: "completed" },
    });
  });
});
