import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  GoalStalledError,
  GoalsUnavailableError,
  TransportClosedError,
  TurnDetachedError,
  type AppServerClient,
  type Thread,
} from "../../lib/index.js";
import { reply, type HoldPart, type LoopbackModel } from "../../lib/testing/index.js";
import { collect } from "../support/collect.js";
import { heard, next, RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  client = await stage.client();
});
afterAll(() => stage.close());

const done = () => [reply.updateGoal("complete"), reply.text("Reached.")];

/** Has the thread's next turn stop in the middle. */
function hold(thread: Thread): HoldPart {
  const gate = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Half of ", gate, "it."]));
  return gate;
}

async function heldGoal() {
  const thread = await client.startThread();
  const gate = hold(thread);
  const said = heard(client, thread);
  const goal = thread.runGoal("Reach it");
  await Promise.all([gate.reached, said]);
  return { thread, goal, gate };
}

describe("somebody else", () => {
  test("pauses the goal: its turn runs to the end", async () => {
    const { thread, goal, gate } = await heldGoal();
    await thread.goal.set({ status: "paused" });
    gate.release();
    expect(await goal.run()).toMatchObject({ status: "paused", finalResponse: "Half of it." });
  });

  test("takes it away: its turn runs to the end", async () => {
    const { thread, goal, gate } = await heldGoal();
    const events = collect(goal);
    expect(await thread.goal.clear()).toBe(true);
    gate.release();
    expect(await goal.run()).toMatchObject({ status: "cleared", finalResponse: "Half of it." });
    expect((await events).map(({ method }) => method)).toContain("thread/goal/cleared");
  });

  test("changes the objective: it goes on", async () => {
    const { thread, goal, gate } = await heldGoal();
    model.enqueueFor(thread.id, ...done());
    await thread.goal.set({ objective: "Reach the other one" });
    gate.release();
    expect(await goal.run()).toMatchObject({
      status: "complete",
      goal: { objective: "Reach the other one" },
    });
  });

  test("interrupts its turn: the goal ends, and does not go on after the next turn", async () => {
    const { thread, goal } = await heldGoal();
    const turnId = goal.state.turn?.id ?? "";
    await client.request("turn/interrupt", { threadId: thread.id, turnId });
    expect(await goal.run()).toMatchObject({
      status: "interrupted",
      goal: { status: "paused" },
      turns: [{ id: turnId, status: "interrupted" }],
    });
    const before = model.requests.length;
    await thread.run("Hello");
    await thread.run("Hello");
    expect(model.requests).toHaveLength(before + 2);
  });

  test.each(["archive", "delete"] as const)("%ss the thread: the goal ends", async (method) => {
    const { thread, goal } = await heldGoal();
    await thread[method]();
    expect(await goal.run()).toMatchObject({
      status: "interrupted",
      turns: [{ status: "interrupted" }],
    });
  });

  test("unsubscribes the thread: nothing more is heard of the goal", async () => {
    const { thread, goal, gate } = await heldGoal();
    await client.request("thread/unsubscribe", { threadId: thread.id });
    expect(await rejection(goal.run())).toBeInstanceOf(TurnDetachedError);
    model.enqueueFor(thread.id, ...done());
    gate.release();
  });
});

describe("a goal that the thread has already", () => {
  test("is replaced by one that starts from nothing", async () => {
    const thread = await client.startThread();
    model.enqueueFor(thread.id, reply.text("One."), reply.text("Two."), ...done(), ...done());
    const first = await thread.runGoal("First").run();
    expect(first).toMatchObject({ status: "complete", goal: { objective: "First" } });
    expect(first.goal?.tokensUsed).toBeGreaterThanOrEqual(30);
    const second = await thread.runGoal("Second").run();
    expect(second).toMatchObject({ status: "complete", goal: { objective: "Second" } });
    expect(second.goal?.tokensUsed).toBeLessThanOrEqual(15);
  });

  test("and that the server works on gives way after its turn", async () => {
    for (let round = 0; round < 5; round += 1) {
      const thread = await client.startThread();
      const gate = hold(thread);
      model.respond(({ threadId, input }) => {
        if (threadId !== thread.id || input.at(-1)?.type === "function_call_output") return;
        return JSON.stringify(input).includes("The new one")
          ? reply.updateGoal("complete")
          : undefined;
      });
      await thread.goal.set({ objective: "The old one" });
      await gate.reached;
      // It is let in between two turns of the old goal, of which the next one has often begun.
      const goal = thread.runGoal("The new one");
      gate.release();
      const { status, turns } = await goal.run();
      model.respond(undefined);
      const turnStatuses = turns.map((turn) => turn.status);
      expect([round, status, turnStatuses]).toEqual([round, "complete", ["completed"]]);
    }
  });
});

describe("a thread that cannot have goals", () => {
  test("because it is ephemeral", async () => {
    const thread = await client.startThread({ ephemeral: true });
    const error = await rejection(thread.runGoal("Reach it").run());
    expect(error).toBeInstanceOf(GoalsUnavailableError);
    expect(error.message).toContain("ephemeral: true");
  });

  test("because the server has the feature off", async () => {
    const without = await stage.client({ config: { features: { goals: false } } });
    const thread = await without.startThread();
    const goal = thread.runGoal("Reach it");
    expect(await rejection(goal.run())).toBeInstanceOf(GoalsUnavailableError);
    expect(await rejection(goal.started)).toMatchObject({ code: "GOALS_UNAVAILABLE" });
    await without.close();
  });

  test("because it is in plan mode, where the server starts no turns for it", async () => {
    const thread = await client.startThread();
    const settings = { model: "mock-model", reasoning_effort: null, developer_instructions: null };
    await thread.updateSettings({ collaborationMode: { mode: "plan", settings } });
    const error = await rejection(thread.runGoal("Reach it").run());
    expect(error).toBeInstanceOf(GoalStalledError);
    expect(error).toMatchObject({ result: { turns: [], goal: { status: "paused" } } });
    await thread.updateSettings({ collaborationMode: { mode: "default", settings } });
    model.enqueueFor(thread.id, ...done());
    expect(await thread.runGoal("Reach it").run()).toMatchObject({ status: "complete" });
  });
});

test("a server that dies ends the goal, and its successor runs a new one on the thread", async () => {
  await using own = await RealStage.open();
  const codex = own.codex();
  const thread = await codex.startThread();
  const gate = reply.hold();
  own.model.enqueue(reply.text("On my way."), [gate, reply.text("Too late.")]);
  let begun = 0;
  const second = next(await codex.client(), "turn/started", () => (begun += 1) === 2);
  const goal = thread.runGoal("The old one");
  await Promise.all([gate.reached, second]);
  for (const pid of await own.processes()) process.kill(pid, "SIGKILL");
  const error = await rejection(goal.run());
  expect(error).toBeInstanceOf(TransportClosedError);
  expect(goal.state).toMatchObject({ goal: { status: "active" }, turns: { length: 2 } });
  gate.release();

  own.model.enqueue(...done());
  const after = await thread.runGoal("The new one").run();
  expect(after).toMatchObject({ status: "complete", turns: { length: 1 } });
  const asked = own.model.requests.slice(2).map(({ input }) => JSON.stringify(input.slice(-2)));
  expect(asked[0]).toContain("The new one");
});
