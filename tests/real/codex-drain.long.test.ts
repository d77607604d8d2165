import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  CodexDrainingError,
  TransportClosedError,
  type Codex,
  type Thread,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { heard, next, RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeEach(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterEach(() => stage.close());

/** A turn whose answer stops in the middle, until its gate is released. */
async function heldTurn(thread: Thread) {
  const gate = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Half ", gate, "done."]));
  const said = heard(await codex.client(), thread);
  const turn = thread.turn("Begin");
  await Promise.all([gate.reached, said]);
  const { id } = await turn.started;
  return { turn, gate, id };
}

async function storedTurns(threadId: string): Promise<string[]> {
  const turns = await stage.codex().thread(threadId).turns({ sortDirection: "asc" }).all();
  return turns.map(({ status }) => status);
}

describe("close({ drainMs })", () => {
  test("lets a running turn end, and refuses whatever would begin something", async () => {
    const thread = await codex.startThread();
    const { turn, gate, id } = await heldTurn(thread);
    const client = await codex.client();
    const closing = codex.close({ drainMs: Infinity });
    expect(codex.currentStatus).toEqual({ state: "draining" });

    const input = [{ type: "text" as const, text: "Hi", text_elements: [] }];
    const refused = await Promise.all(
      [
        thread.run("Another"),
        thread.compact().run(),
        thread.runGoal("Reach it").run(),
        thread.fork(),
        thread.queue.add("Another"),
        thread.queue.start().run(),
        thread.goal.set({ objective: "Reach it" }),
        codex.startThread(),
        codex.resumeThread(thread.id),
        codex.rpc.turn.start({ threadId: thread.id, input }),
        client.request("turn/start", { threadId: thread.id, input }),
        client.startThread(),
      ].map(rejection),
    );
    for (const error of refused) {
      expect(error).toBeInstanceOf(CodexDrainingError);
      expect(error).toMatchObject({ code: "CODEX_DRAINING", sent: false });
    }
    expect(refused[0]?.message).toMatch(/^turn\/start was not sent: this Codex is being closed/);

    // Whatever helps what runs, or only looks, works on.
    expect(codex.runningTurns).toMatchObject([{ threadId: thread.id, turnId: id }]);
    expect((await thread.turns()).data).toHaveLength(1);
    expect(await thread.goal.set({ status: "paused" }).catch(() => "none")).toBe("none");
    model.enqueueFor(thread.id, reply.text("Steered."));
    expect(await turn.steer("This, too")).toBe(id);
    gate.release();
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Steered." });
    await closing;
    expect(codex.currentStatus).toEqual({ state: "closed" });
    expect(await stage.processes()).toEqual([]);
    expect(await rejection(codex.client())).toBeInstanceOf(TransportClosedError);
  });

  test("lets a goal take its turns to its end, and turns that wait for their thread", async () => {
    const thread = await codex.startThread();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text(["On my ", gate, "way."]));
    const said = heard(await codex.client(), thread);
    const goal = thread.runGoal("Reach it");
    const behind = thread.turn("And then?");
    await Promise.all([gate.reached, said]);
    expect(codex.runningTurns).toMatchObject([
      { threadId: thread.id, turnId: goal.state.turn?.id },
      { threadId: thread.id, turnId: undefined },
    ]);
    const closing = codex.close({ drainMs: Infinity });
    const done = [reply.updateGoal("complete"), reply.text("Reached."), reply.text("Nothing.")];
    model.enqueueFor(thread.id, ...done);
    gate.release();
    expect(await goal.run()).toMatchObject({ status: "complete", turns: [{}, {}] });
    expect(await behind.run()).toMatchObject({ status: "completed", finalResponse: "Nothing." });
    await closing;
    expect(codex.runningTurns).toEqual([]);
  });

  test("interrupts what still runs then, and never sends what still waits", async () => {
    const thread = await codex.startThread();
    const { turn } = await heldTurn(thread);
    const behind = thread.turn("Later");
    await codex.close({ drainMs: 0 });
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    expect(turn.state.openItems).toMatchObject([{ type: "agentMessage", text: "Half " }]);
    expect(await behind.run()).toMatchObject({ status: "interrupted", items: [] });
    expect(behind.id).toBeUndefined();
    const after = stage.codex();
    const [stored, ...others] = (await after.thread(thread.id).turns()).data;
    expect(others).toEqual([]);
    // Of a turn that died with its process, the server does not know when it ended.
    expect(stored).toMatchObject({ status: "interrupted", completedAt: expect.any(Number) });
  });

  test("waits for the turns of the queue and of requests by hand, and interrupts them", async () => {
    const client = await codex.client();
    const [queued, byHand] = [await codex.startThread(), await codex.startThread()];
    const gates = [reply.hold(), reply.hold()] as const;
    model.enqueueFor(queued.id, reply.text(["Queued ", gates[0], "too long."]));
    model.enqueueFor(byHand.id, reply.text(["By hand ", gates[1], "and done."]));
    const said = [heard(client, queued), heard(client, byHand)];
    await queued.queue.add("Queue");
    const input = [{ type: "text" as const, text: "By hand", text_elements: [] }];
    const { turn } = await client.request("turn/start", { threadId: byHand.id, input });
    await Promise.all([...gates.map(({ reached }) => reached), ...said]);
    expect(codex.runningTurns).toHaveLength(2);
    expect(codex.runningTurns).toContainEqual({
      threadId: byHand.id,
      turnId: turn.id,
      since: expect.any(Number),
    });
    const ended = next(client, "turn/completed", ({ threadId }) => threadId === byHand.id);
    const closing = codex.close({ drainMs: Infinity });
    gates[1].release();
    expect((await ended).turn.status).toBe("completed");
    await codex.close({ drainMs: 0 });
    await closing;
    expect(await storedTurns(queued.id)).toEqual(["interrupted"]);
  });

  test("is ended at once by close(), without interrupting anything", async () => {
    const thread = await codex.startThread();
    const { turn } = await heldTurn(thread);
    const closing = codex.close({ drainMs: Infinity });
    const lost = rejection(turn.run());
    await codex.close();
    await closing;
    expect(await lost).toBeInstanceOf(TransportClosedError);
  });

  test("lets a turn run that was begun before the server was there", async () => {
    const thread = await codex.startThread();
    await thread.run("First");
    await (await codex.client()).close();
    model.enqueueFor(thread.id, reply.text("In time."));
    const turn = thread.turn("Again");
    const closing = codex.close({ drainMs: Infinity });
    expect(await turn.run()).toMatchObject({ finalResponse: "In time." });
    await closing;
  });
});

test("runningTurns goes on with the next server when one has died", async () => {
  const thread = await codex.startThread();
  await thread.run("First");
  expect(codex.runningTurns).toEqual([]);
  const { turn } = await heldTurn(thread);
  expect(codex.runningTurns).toHaveLength(1);
  const [pid = 0] = await stage.processes();
  process.kill(pid, "SIGKILL");
  await rejection(turn.run());
  expect(codex.runningTurns).toEqual([]);
  const before = Date.now();
  const { turn: second, gate, id } = await heldTurn(thread);
  const [running, ...others] = codex.runningTurns;
  expect(others).toEqual([]);
  expect(running).toMatchObject({ threadId: thread.id, turnId: id });
  expect(running?.since).toBeGreaterThanOrEqual(before);
  gate.release();
  await second.run();
  expect(codex.runningTurns).toEqual([]);
});
