import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  GoalFailedError,
  GoalNotActiveError,
  type Codex,
  type GoalRun,
  type Thread,
} from "../../lib/index.js";
import { reply, type HoldPart, type LoopbackModel } from "../../lib/testing/index.js";
import { expectAtRest } from "../support/at-rest.js";
import { steersCut, testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

/** The model says that the goal is reached, and a last word. */
const done = () => [reply.updateGoal("complete"), reply.text("Reached.")];

/** A goal whose first turn says "Half of", stops at the gate, and then says "it.". */
const cutTest = await testWhere("a steer that cuts the message", steersCut);

async function heldGoal(): Promise<{ thread: Thread; goal: GoalRun; gate: HoldPart }> {
  const thread = await codex.startThread();
  const gate = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Half of ", gate, "it."]));
  const goal = thread.runGoal("Reach it");
  await gate.reached;
  return { thread, goal, gate };
}

function requestsOf(thread: Thread) {
  return model.requests.filter(({ threadId }) => threadId === thread.id);
}

describe("the end of a goal", () => {
  test("blocked: the model gives up, and that is a result", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(thread.id, reply.updateGoal("blocked"), reply.text("No way."));
    expect(await thread.runGoal("Reach it").run()).toMatchObject({
      status: "blocked",
      error: null,
      finalResponse: "No way.",
    });
    await expectAtRest(model, thread);
  });

  test("budgetLimited: the tokens are used up", async () => {
    const thread = await codex.startThread();
    const result = await thread.runGoal("Reach it", { tokenBudget: 20 }).run();
    expect(result).toMatchObject({ status: "budgetLimited", goal: { tokenBudget: 20 } });
    expect(result.goal?.tokensUsed).toBeGreaterThanOrEqual(20);
    expect(result.turns.length).toBeGreaterThan(1);
    await expectAtRest(model, thread);
  });

  test.each([
    ["blocked", () => reply.failed("server_error", "no model today"), "other"],
    ["blocked", () => reply.overloaded(), "serverOverloaded"],
    ["usageLimited", () => reply.usageLimit(), "usageLimitExceeded"],
  ])("%s: a turn fails, and the goal with it", async (status, failing, reason) => {
    const thread = await codex.startThread();
    model.enqueueFor(thread.id, reply.text("On my way."), failing());
    const goal = thread.runGoal("Reach it");
    const error = await rejection(goal.run());
    expect(error).toBeInstanceOf(GoalFailedError);
    expect(error).toMatchObject({
      reason,
      result: {
        status,
        goal: { status },
        finalResponse: "On my way.",
        turns: [{ status: "completed" }, { status: "failed" }],
      },
    });
    expect(await goal.run({ throwOnFailure: false })).toMatchObject({ status });
    await expectAtRest(model, thread);
  });
});

describe("stopping a goal", () => {
  test("while a turn streams", async () => {
    const { thread, goal, gate } = await heldGoal();
    await Promise.all([goal.interrupt(), goal.interrupt()]);
    gate.release();
    expect(await goal.run()).toMatchObject({
      status: "interrupted",
      goal: { status: "paused" },
      turns: [{ status: "interrupted" }],
    });
    expect(await thread.goal.get()).toMatchObject({ status: "paused" });
    await expectAtRest(model, thread);
  });

  // At once, and a few turns of the event loop later: the next turn starts within these.
  const moments = Array.from({ length: 12 }, (_, round) => round * 4);

  test.each(moments)(
    "%i turns of the event loop behind a turn: no other turn slips through",
    async (pauses) => {
      const thread = await codex.startThread();
      const goal = thread.runGoal("Reach it");
      let started = 0;
      let interrupting: Promise<void> | undefined;
      for await (const { method } of goal) {
        if (method === "turn/started") started += 1;
        if (method !== "turn/completed" || interrupting) continue;
        for (let pause = 0; pause < pauses; pause += 1) await new Promise(setImmediate);
        interrupting = goal.interrupt();
      }
      await interrupting;
      const { status, turns } = await goal.run();
      expect([status, turns.length]).toEqual(["interrupted", started]);
      expect(await thread.goal.get()).toMatchObject({ status: "paused" });
      await expectAtRest(model, thread);
    },
  );

  test("at once, before it runs its first turn", async () => {
    const thread = await codex.startThread();
    const unsent = thread.runGoal("Never sent");
    await unsent.interrupt();
    expect(await unsent.run()).toMatchObject({ status: "interrupted", goal: null });
    expect(await thread.goal.get()).toBeNull();
    const sent = thread.runGoal("Reach it");
    await sent.started;
    await sent.interrupt();
    expect(await sent.run()).toMatchObject({ status: "interrupted", goal: { status: "paused" } });
    await expectAtRest(model, thread);
  });

  async function expectPaused(thread: Thread): Promise<void> {
    expect(await thread.goal.get()).toMatchObject({ status: "paused" });
    await expectAtRest(model, thread);
  }

  test("by a signal", async () => {
    const thread = await codex.startThread();
    const gate = reply.hold();
    model.enqueueFor(thread.id, [gate, reply.text("Too late.")]);
    const reason = new Error("the user left");
    const controller = new AbortController();
    const running = thread.runGoal("Reach it", { signal: controller.signal });
    await gate.reached;
    controller.abort(reason);
    await expect(running.run()).rejects.toBe(reason);
    gate.release();
    await expectPaused(thread);
  });

  test("by a time limit", async () => {
    const thread = await codex.startThread();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text("Half."), reply.text([gate, "Too late."]));
    const error = await rejection(thread.runGoal("Reach it", { timeoutMs: 1_500 }).run());
    expect(error).toMatchObject({ code: "GOAL_TIMEOUT", result: { status: "interrupted" } });
    // On a busy machine the goal may be over before the model was asked; the next turn gets these replies.
    gate.release();
    await expectPaused(thread);
  });

  test("by leaving the loop", async () => {
    const thread = await codex.startThread();
    const goal = thread.runGoal("Reach it");
    for await (const { method } of goal) if (method === "turn/completed") break;
    expect(await goal.run()).toMatchObject({ status: "interrupted" });
    await expectPaused(thread);
  });
});

describe("steering a goal", () => {
  cutTest("cuts the turn that streams, which goes on with the new input", async () => {
    const { thread, goal } = await heldGoal();
    model.enqueueFor(thread.id, reply.text("Another way."), ...done());
    await goal.steer("Take another way.");
    const { status, items, turns } = await goal.run();
    expect([status, turns.length, turns[0]?.finalResponse]).toEqual([
      "complete",
      2,
      "Another way.",
    ]);
    expect(items).toContainEqual(
      expect.objectContaining({
        type: "userMessage",
        content: [expect.objectContaining({ text: "Take another way." })],
      }),
    );
  });

  test("between two turns reaches the next one, and never gets lost", async () => {
    const thread = await codex.startThread();
    model.respond(({ threadId, input }) => {
      if (threadId !== thread.id || input.at(-1)?.type === "function_call_output") return undefined;
      return JSON.stringify(input).includes("Finish.") ? reply.updateGoal("complete") : undefined;
    });
    const goal = thread.runGoal("Reach it");
    let steering: Promise<string> | undefined;
    for await (const { method } of goal) {
      if (method === "turn/completed") steering ??= goal.steer("Finish.");
    }
    await steering;
    model.respond(undefined);
    const { status, items } = await goal.run();
    expect(status).toBe("complete");
    expect(items.filter(({ type }) => type === "userMessage")).toHaveLength(1);
    expect(await rejection(goal.steer("Too late"))).toBeInstanceOf(GoalNotActiveError);
  });
});

test("other turns of the thread wait until the goal is over", async () => {
  const { thread, goal, gate } = await heldGoal();
  const after = thread.turn("After");
  model.enqueueFor(thread.id, ...done(), reply.text("My turn."));
  gate.release();
  expect(await goal.run()).toMatchObject({ status: "complete", turns: { length: 2 } });
  expect(await after.run()).toMatchObject({ finalResponse: "My turn." });
  expect(requestsOf(thread).map(({ lastUserText }) => lastUserText === "After")).toEqual([
    false,
    false,
    false,
    true,
  ]);
});

test("the goal's handlers decide on the commands of all its turns", async () => {
  const thread = await codex.startThread({ approvalPolicy: "untrusted", sandbox: "read-only" });
  const command = () => reply.shell("touch marker.txt");
  model.enqueueFor(
    thread.id,
    command(),
    reply.text("One."),
    command(),
    reply.text("Two."),
    ...done(),
  );
  const asked: string[] = [];
  const goal = thread.runGoal("Reach it", {
    onApproval: ({ turnId }) => {
      asked.push(turnId);
      return "decline";
    },
  });
  const { status, turns } = await goal.run();
  expect(status).toBe("complete");
  expect(asked).toEqual(turns.slice(0, 2).map(({ id }) => id));
});
