import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { remoteTurns, RedisFleetStore, type CommandOutcome } from "../../lib/fleet/index.js";
import { TurnStreams } from "../../lib/http/index.js";
import type { TurnInput } from "../../lib/index.js";
import { collect } from "../support/collect.js";
import { RedisServer } from "../support/redis-server.js";
import { ScriptedTurn } from "../support/scripted-turn.js";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const request = (method: string) => new Request("http://localhost/", { method });

/** A process with a store and streams of its own. */
function open(waitMs = 30_000) {
  const store = new RedisFleetStore({ redis: server.url });
  const remote = remoteTurns(store, { waitMs });
  return {
    store,
    streams: new TurnStreams({ authorize: () => true, store: store.streams, remote }),
  };
}

let here: ReturnType<typeof open>;
let there: ReturnType<typeof open>;
beforeEach(() => {
  here = open();
  there = open();
});
afterEach(async () => {
  await Promise.all([here.streams.close(), there.streams.close()]);
});

/** Does what a worker does: carries out the commands of a job, each once, until the turn is over. */
function work(id: string, scripted: ScriptedTurn, open: ReadonlySet<string>) {
  const over = new AbortController();
  const answers: unknown[] = [];
  const left = new Set(open);
  const steered: TurnInput[] = [];
  const refused = (code: string): CommandOutcome => ({ ok: false, code, message: "No." });
  const run = async () => {
    for (let after = 0; !over.signal.aborted;) {
      const wait = { waitMs: 30_000, signal: over.signal };
      for (const { seq, command } of await here.store.commands(id, after, wait)) {
        after = seq;
        let outcome: CommandOutcome = { ok: true };
        if (command.type === "answer") {
          if (left.delete(command.key)) answers.push(command.answer);
          else outcome = refused("ALREADY_ANSWERED");
        } else if (command.type === "steer") {
          if (scripted.state.status === "inProgress") steered.push(command.input);
          else outcome = refused("TURN_NOT_ACTIVE");
        } else await scripted.interrupt();
        await here.store.settle(id, seq, outcome);
      }
    }
  };
  const running = run();
  const stop = async () => {
    over.abort();
    await running;
  };
  return { answers, steered, stop };
}

/** Resolves when all machines know of it. */
async function add(scripted: ScriptedTurn): Promise<string> {
  const id = here.streams.add(scripted.turn, { owner: "ada" });
  await (await here.streams.response(request("HEAD"), id)).text();
  return id;
}

async function shown(id: string, type: string): Promise<void> {
  for await (const part of await there.streams.parts(request("GET"), id)) {
    if (part.type === type) return;
  }
  throw new Error(`no ${type} is shown`);
}

test("any machine answers what a turn asks on another one, and the first answer wins", async () => {
  const scripted = new ScriptedTurn().start().ask("one").ask("two");
  const id = await add(scripted);
  const worker = work(id, scripted, new Set(["one", "two"]));
  await shown(id, "request");
  const answer = (key: string, decision: "accept" | "decline" | "acceptForSession") =>
    there.streams.answer(request("POST"), id, { key, decision });
  await expect(answer("three", "accept")).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(answer("one", "acceptForSession")).rejects.toMatchObject({
    code: "DECISION_REFUSED",
  });
  const outcomes = await Promise.allSettled([answer("one", "accept"), answer("one", "decline")]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  const rejected = outcomes.find(({ status }) => status === "rejected");
  expect(rejected).toMatchObject({ reason: { code: "ALREADY_ANSWERED", status: 409 } });
  await answer("two", "decline");
  expect(worker.answers).toHaveLength(2);
  expect(worker.answers[1]).toBe("decline");
  scripted.end();
  await collect(await there.streams.parts(request("GET"), id));
  // The stream says that nothing is open any more.
  await expect(answer("two", "accept")).rejects.toMatchObject({ code: "ALREADY_ANSWERED" });
  await worker.stop();
});

test("any machine steers and stops a turn that runs on another one", async () => {
  const scripted = new ScriptedTurn().start();
  const id = await add(scripted);
  const worker = work(id, scripted, new Set());
  await shown(id, "message-start");
  await there.streams.steer(request("POST"), id, "Be brief.");
  expect(worker.steered).toEqual([["Be brief."]]);
  await there.streams.interrupt(request("POST"), id);
  expect(scripted.calls).toContain("interrupt");
  const parts = await collect(await there.streams.parts(request("GET"), id));
  expect(parts.at(-1)).toMatchObject({ type: "end", status: "interrupted" });
  // What has ended stays as it is, whoever asks.
  await there.streams.interrupt(request("POST"), id);
  await expect(there.streams.steer(request("POST"), id, "More.")).rejects.toMatchObject({
    code: "TURN_OVER",
  });
  await worker.stop();
});

test("a steer that comes as the turn ends is told that it is over", async () => {
  const scripted = new ScriptedTurn().start();
  const id = await add(scripted);
  await shown(id, "message-start");
  scripted.state.status = "completed";
  const worker = work(id, scripted, new Set());
  await expect(there.streams.steer(request("POST"), id, "More.")).rejects.toMatchObject({
    code: "TURN_OVER",
    status: 409,
  });
  scripted.end();
  await worker.stop();
});

test("while no worker has the job, what is asked is kept for the one that takes it", async () => {
  const hasty = open(50);
  const scripted = new ScriptedTurn().start().ask("one");
  const id = await add(scripted);
  await shown(id, "request");
  const answer = { key: "one", decision: "accept" } as const;
  await expect(hasty.streams.answer(request("POST"), id, answer)).rejects.toMatchObject({
    code: "COMMAND_PENDING",
    status: 504,
  });
  const worker = work(id, scripted, new Set(["one"]));
  const { signal } = new AbortController();
  expect(await there.store.outcome(id, 1, { waitMs: 30_000, signal })).toEqual({ ok: true });
  expect(worker.answers).toEqual(["accept"]);
  scripted.end();
  await worker.stop();
  await hasty.streams.close();
});

test("a refusal that is known by its code alone is told as such", async () => {
  const store = {
    send: () => Promise.resolve(1),
    outcome: () => Promise.resolve({ ok: false, code: "THREAD_BUSY", message: "secret" } as const),
  };
  await expect(remoteTurns(store).interrupt("id")).rejects.toMatchObject({
    code: "COMMAND_REFUSED",
    reason: "THREAD_BUSY",
  });
  expect(() => remoteTurns(store, { waitMs: 0 })).toThrow("waitMs");
});
