import { describe, expect, test } from "@jest/globals";
import { GoalFailedError } from "../../../lib/goals/goal-errors.js";
import { TurnFailedError } from "../../../lib/turns/turn-errors.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { brief, goalThread, isTidy, sent, threadId } from "./goal-server.js";

const failure = { message: "no model", codexErrorInfo: "other", additionalDetails: null };

test("the turns of a goal are one stream, in order, with one result", async () => {
  await using pair = await goalThread();
  const { client, goals, server, thread } = pair;
  const goal = thread.runGoal("Reach it");
  const events = collect(goal);
  await expect(goal.started).resolves.toMatchObject({ objective: "Reach it", status: "active" });
  goals.start("turn-1");
  goals.say("Half way.");
  goals.use(10);
  goals.updated({ tokensUsed: 10 });
  goals.end();
  goals.start("turn-2");
  goals.updated({ status: "complete" });
  goals.use(5, 15);
  goals.use(7, 22);
  goals.say("There.");
  goals.end();
  expect((await events).map(brief)).toEqual([
    "thread/goal/updated active",
    "turn/started turn-1",
    "item/started",
    "item/agentMessage/delta Half",
    "item/agentMessage/delta way.",
    "item/completed",
    "thread/tokenUsage/updated",
    "thread/goal/updated active",
    "turn/completed turn-1",
    "turn/started turn-2",
    "thread/goal/updated complete",
    "thread/tokenUsage/updated",
    "thread/tokenUsage/updated",
    "item/started",
    "item/agentMessage/delta There.",
    "item/completed",
    "turn/completed turn-2",
  ]);
  const result = await goal.run();
  expect(result).toMatchObject({
    threadId,
    status: "complete",
    error: null,
    goal: { status: "complete", tokensUsed: 10 },
    turns: [
      { id: "turn-1", finalResponse: "Half way." },
      { id: "turn-2", finalResponse: "There." },
    ],
    finalResponse: "There.",
    items: [{ text: "Half way." }, { text: "There." }],
    usage: { totalTokens: 22, inputTokens: 22 },
    startedAt: 1_767_225_600,
    completedAt: 1_767_225_601,
    durationMs: 2_000,
  });
  expect(sent(server)).toEqual(["thread/goal/set"]);
  expect(isTidy(client)).toBe(true);
});

test("a goal that is complete goes on to the end of its turn", async () => {
  await using pair = await goalThread();
  const { goals, thread } = pair;
  const goal = thread.runGoal("Reach it");
  await goal.started;
  let isOver = false;
  const run = goal.run().finally(() => (isOver = true));
  goals.start("turn-1");
  goals.updated({ status: "complete" });
  await settled();
  expect(isOver).toBe(false);
  expect(goal.state).toMatchObject({
    goal: { status: "complete" },
    turns: [],
    turn: { id: "turn-1", status: "inProgress" },
  });
  goals.say("Done.");
  goals.end();
  expect(await run).toMatchObject({ status: "complete", finalResponse: "Done." });
  expect(goal.state).toMatchObject({ turns: [{ id: "turn-1" }], turn: null });
});

test.each(["blocked", "budgetLimited", "paused", "someStatusOfTheFuture"])(
  "a goal that the server leaves as %s has a result that says so",
  async (status) => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    goals.updated({ status });
    goals.end();
    expect(await goal.run()).toMatchObject({ status, error: null, goal: { status } });
    expect(sent(server)).toEqual(["thread/goal/set"]);
  },
);

test("the final response is that of the last turn that has one", async () => {
  await using pair = await goalThread();
  const { goals, thread } = pair;
  const goal = thread.runGoal("Reach it");
  await goal.started;
  goals.start("turn-1");
  goals.say("The answer.");
  goals.end();
  goals.start("turn-2");
  goals.updated({ status: "complete" });
  goals.end();
  expect(await goal.run()).toMatchObject({ finalResponse: "The answer.", usage: null });
});

test("events of other threads and late ones of earlier turns are not the goal's", async () => {
  await using pair = await goalThread();
  const { goals, server, thread } = pair;
  const goal = thread.runGoal("Reach it");
  const events = collect(goal);
  await goal.started;
  server.notify("thread/goal/updated", {
    threadId: "thread-2",
    turnId: null,
    goal: { status: "complete" },
  });
  server.notify("thread/goal/cleared", { threadId: "thread-2" });
  server.notify("item/completed", { threadId, turnId: "turn-0", item: { type: "plan", id: "p" } });
  server.notify("thread/goal/updated", { threadId, turnId: null, goal: null });
  goals.start("turn-1");
  goals.updated({ status: "complete" });
  goals.end();
  expect((await events).map(brief)).toEqual([
    "thread/goal/updated active",
    "turn/started turn-1",
    "thread/goal/updated complete",
    "turn/completed turn-1",
  ]);
});

describe("a turn that fails", () => {
  test("fails the goal, which carries everything so far", async () => {
    await using pair = await goalThread();
    const { client, goals, thread } = pair;
    const goal = thread.runGoal("Reach it");
    const events = collect(goal);
    await goal.started;
    goals.start("turn-1");
    goals.say("Half way.");
    goals.end();
    goals.start("turn-2");
    goals.updated({ status: "blocked" });
    goals.end({ status: "failed", error: { ...failure, codexErrorInfo: "unauthorized" } });
    const error = await rejection(goal.run());
    expect(error).toBeInstanceOf(GoalFailedError);
    expect(error).toMatchObject({
      code: "GOAL_FAILED",
      reason: "unauthorized",
      codexErrorInfo: "unauthorized",
      httpStatusCode: null,
      message: expect.stringMatching(
        /^The goal stopped in its turn 2\. The turn failed: no model\n.*log/i,
      ),
      cause: expect.any(TurnFailedError),
      result: {
        status: "blocked",
        error: { message: "no model" },
        finalResponse: "Half way.",
        turns: [{ status: "completed" }, { status: "failed" }],
      },
    });
    expect((await events).map(brief).at(-1)).toBe("turn/completed turn-2");
    expect(await goal.run({ throwOnFailure: false })).toMatchObject({ status: "blocked" });
    expect(isTidy(client)).toBe(true);
  });

  test("and leaves the goal active ends it too, and has it paused", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    goals.end({ status: "failed", error: failure });
    expect(await goal.run({ throwOnFailure: false })).toMatchObject({
      status: "failed",
      goal: { status: "paused" },
      error: { message: "no model" },
    });
    expect(server.paramsOf("thread/goal/set").at(-1)).toEqual({ threadId, status: "paused" });
  });

  test("after the model has completed the goal does not undo that", async () => {
    await using pair = await goalThread();
    const { goals, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    goals.updated({ status: "complete" });
    goals.end({ status: "failed", error: failure });
    expect(await goal.run()).toMatchObject({ status: "complete", error: { message: "no model" } });
  });
});

describe("somebody else", () => {
  test("who takes the goal away lets its turn run to the end, and no further", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    const events = collect(goal);
    await goal.started;
    goals.start("turn-1");
    goals.cleared();
    // Another goal, which is not ours.
    goals.updated({ objective: "Something else" }, null);
    goals.say("Bye.");
    goals.end();
    expect(await goal.run()).toMatchObject({
      status: "cleared",
      goal: { objective: "Reach it" },
      finalResponse: "Bye.",
    });
    expect((await events).map(brief)).toContain("thread/goal/cleared");
    expect(sent(server)).toEqual(["thread/goal/set"]);
  });

  test("who changes the objective changes the goal, which goes on", async () => {
    await using pair = await goalThread();
    const { goals, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    goals.updated({ objective: "Reach the other one" }, null);
    goals.end();
    goals.start("turn-2");
    goals.updated({ status: "complete" });
    goals.end();
    expect(await goal.run()).toMatchObject({
      status: "complete",
      goal: { objective: "Reach the other one" },
      turns: [{ id: "turn-1" }, { id: "turn-2" }],
    });
  });

  test("who interrupts a turn ends the goal, which would go on after the next turn", async () => {
    await using pair = await goalThread();
    const { client, goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    goals.end({ status: "interrupted" });
    expect(await goal.run()).toMatchObject({ status: "interrupted", goal: { status: "paused" } });
    expect(server.paramsOf("thread/goal/set").at(-1)).toEqual({ threadId, status: "paused" });
    expect(isTidy(client)).toBe(true);
  });

  test("who steers with a turn of his own may do so between two turns as well", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    const events = collect(goal);
    await goal.started;
    goals.start("turn-1");
    goals.end();
    server.handle("turn/start", () => ({ turn: { id: "turn-x" } }));
    const own = thread.turn("By the way", { whenBusy: "steer" });
    await own.started;
    goals.start("turn-x");
    goals.updated({ status: "complete" });
    await settled();
    goals.say("Right.");
    goals.end();
    expect(await own.run()).toMatchObject({ finalResponse: "Right." });
    expect(await goal.run()).toMatchObject({ status: "complete", turns: [{ id: "turn-1" }] });
    expect((await events).map(brief)).not.toContain("turn/started turn-x");
  });
});

describe("a goal that is settled between two turns", () => {
  test("ends at once when the server has no turn under way", async () => {
    await using pair = await goalThread();
    const { client, goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    goals.end();
    goals.updated({ status: "complete" });
    expect(await goal.run()).toMatchObject({ status: "complete", turns: [{ id: "turn-1" }] });
    expect(sent(server)).toEqual(["thread/goal/set", "turn/steer"]);
    expect(goals.steered).toEqual([]);
    expect(isTidy(client)).toBe(true);
  });

  test("ends after the turn that had begun just before", async () => {
    await using pair = await goalThread();
    const { goals, thread } = pair;
    const goal = thread.runGoal("Reach it");
    const events = collect(goal);
    await goal.started;
    goals.start("turn-1");
    goals.end();
    goals.begin("turn-2");
    goals.updated({ status: "paused" }, null);
    await settled();
    goals.announce();
    goals.say("A last word.");
    goals.end();
    expect(await goal.run()).toMatchObject({
      status: "paused",
      turns: [{ id: "turn-1" }, { id: "turn-2", finalResponse: "A last word." }],
    });
    expect((await events).map(brief).at(-1)).toBe("turn/completed turn-2");
  });

  test("and made active again while that is found out goes on", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    goals.end();
    server.handle("turn/steer", () => {
      goals.updated({ status: "active" });
      throw Object.assign(new Error("no active turn to steer"), { code: -32_600 });
    });
    goals.updated({ status: "paused" });
    await server.nextRequest("turn/steer");
    await settled();
    goals.start("turn-2");
    goals.updated({ status: "complete" });
    goals.end();
    expect(await goal.run()).toMatchObject({
      status: "complete",
      turns: [{ id: "turn-1" }, { id: "turn-2" }],
    });
  });
});
