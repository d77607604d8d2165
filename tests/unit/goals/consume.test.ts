import { expect, test } from "@jest/globals";
import { GoalFailedError, GoalNotActiveError } from "../../../lib/goals/goal-errors.js";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { ThreadBusyError } from "../../../lib/errors/rpc-errors.js";
import { TurnStreamError } from "../../../lib/turns/turn-errors.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { ResponseError } from "../../support/linked-server.js";
import { goalThread, threadId } from "./goal-server.js";

test("a goal has one consumer", async () => {
  await using pair = await goalThread();
  const goal = pair.thread.runGoal("Reach it");
  goal.stream();
  expect(() => goal.stream()).toThrow(TurnStreamError);
  await goal.interrupt();
});

test("events are kept for a consumer who comes late, and up to 1 MiB of them beside a lone run()", async () => {
  await using pair = await goalThread();
  const { goals, server, thread } = pair;
  const goal = async (run: boolean, bytes: number) => {
    const goal = thread.runGoal("Reach it");
    const result = run ? goal.run() : undefined;
    await goal.started;
    goals.start("turn-1");
    server.notify("item/novel", { threadId, turnId: "turn-1", text: "x".repeat(bytes) });
    goals.updated({ status: "complete" });
    goals.end();
    await (result ?? settled());
    return goal;
  };
  const methods = (await collect(await goal(false, 2_000_000))).map(({ method }) => method);
  expect(methods).toContain("item/novel");
  expect((await collect(await goal(true, 500_000))).map(({ method }) => method)).toEqual(methods);
  const dropped = await goal(true, 2_000_000);
  expect(() => dropped.stream()).toThrow(TurnStreamError);
  expect(() => dropped.stream()).toThrow("Call stream() first");
  expect(await rejection(collect(dropped.messages()))).toBeInstanceOf(TurnStreamError);
});

test("the text of all turns is one stream, whatever ids their messages have", async () => {
  await using pair = await goalThread();
  const { goals, server, thread } = pair;
  const goal = thread.runGoal("Reach it");
  const texts = collect(goal.textStream());
  await goal.started;
  goals.start("turn-1");
  goals.say("One. ", "msg-1");
  // A message that is cut: its id may come again, and its text, which is another turn's then.
  const cut = { threadId, turnId: "turn-1", itemId: "msg-2", delta: "Tw" };
  server.notify("item/agentMessage/delta", cut);
  goals.end();
  goals.start("turn-2");
  const item = { type: "agentMessage", id: "msg-2", text: "Two.", phase: null };
  server.notify("item/completed", { threadId, turnId: "turn-2", item });
  goals.updated({ status: "complete" });
  goals.cleared();
  goals.end();
  expect(await texts).toEqual(["One. ", "\n\nTw", "\n\nTwo."]);
});

test("the messages of all turns are one stream, each with the id of its turn", async () => {
  await using pair = await goalThread();
  const { goals, thread } = pair;
  const goal = thread.runGoal("Reach it");
  const updates = collect(goal.messages());
  await goal.started;
  for (const turnId of ["turn-1", "turn-2"]) {
    goals.start(turnId);
    goals.say(`Of ${turnId}`, "msg-1");
    if (turnId === "turn-2") goals.updated({ status: "complete" });
    goals.end();
  }
  const ends = (await updates).filter(({ type }) => type === "completed");
  expect(ends).toEqual([
    { type: "completed", turnId: "turn-1", id: "msg-1", phase: null, text: "Of turn-1" },
    { type: "completed", turnId: "turn-2", id: "msg-1", phase: null, text: "Of turn-2" },
  ]);
});

test("the stream of texts throws when the goal has failed", async () => {
  await using pair = await goalThread();
  const { goals, thread } = pair;
  const goal = thread.runGoal("Reach it");
  const texts = rejection(collect(goal.textStream()));
  await goal.started;
  goals.start("turn-1");
  goals.updated({ status: "usageLimited" });
  const error = { message: "come back", codexErrorInfo: "usageLimitExceeded" };
  goals.end({ status: "failed", error });
  expect(await texts).toBeInstanceOf(GoalFailedError);
  expect(await rejection(goal.run())).toMatchObject({
    reason: "usageLimitExceeded",
    result: { status: "usageLimited" },
  });
});

test("steering goes to the turn that runs", async () => {
  await using pair = await goalThread();
  const { goals, thread } = pair;
  const goal = thread.runGoal("Reach it");
  await goal.started;
  goals.start("turn-1");
  await settled();
  expect(await goal.steer("Faster")).toBe("turn-1");
  expect(goals.steered).toEqual([["turn-1", "Faster"]]);
  await goal.interrupt();
});

test("steering before there is a turn, or between two, waits for the next one", async () => {
  await using pair = await goalThread();
  const { goals, thread } = pair;
  const goal = thread.runGoal("Reach it");
  const early = goal.steer("Hello");
  await goal.started;
  await settled();
  expect(goals.steered).toEqual([]);
  goals.start("turn-1");
  await early;
  goals.end();
  await settled();
  const between = goal.steer("Go on");
  await settled();
  goals.start("turn-2");
  expect(await between).toBe("turn-2");
  expect(goals.steered).toEqual([
    ["turn-1", "Hello"],
    ["turn-2", "Go on"],
  ]);
  await goal.interrupt();
});

test("steering a turn that ends at this moment is not lost: the next one gets it", async () => {
  await using pair = await goalThread();
  const { goals, thread } = pair;
  const goal = thread.runGoal("Reach it");
  await goal.started;
  goals.start("turn-1");
  await settled();
  // The server has ended it and begun another; we have not heard of either.
  const first = goals.running;
  goals.running = "turn-2";
  const steering = goal.steer("Wait");
  await settled();
  expect(goals.steered).toEqual([]);
  goals.running = first;
  goals.end();
  goals.start("turn-2");
  await steering;
  expect(goals.steered).toEqual([["turn-2", "Wait"]]);
  await goal.interrupt();
});

test.each(["before", "while it waits for a turn"])(
  "steering a goal that ends %s tells that nothing was sent",
  async (when) => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    const early = when === "before" ? undefined : goal.steer("Too late");
    await settled();
    goals.updated({ status: "complete" });
    await goal.run();
    const error = await rejection(early ?? goal.steer("Too late"));
    expect(error).toBeInstanceOf(GoalNotActiveError);
    expect(error).toMatchObject({ code: "GOAL_NOT_ACTIVE" });
    expect(JSON.stringify(server.requests)).not.toContain("Too late");
  },
);

test("steering what cannot be steered, or with nothing, rejects", async () => {
  await using pair = await goalThread();
  const { goals, server, thread } = pair;
  const goal = thread.runGoal("Reach it");
  await goal.started;
  goals.start("turn-1");
  await settled();
  expect(await rejection(goal.steer([]))).toBeInstanceOf(InvalidArgumentError);
  server.handle("turn/steer", () => {
    throw new ResponseError(-32_600, "cannot steer a compact turn");
  });
  expect(await rejection(goal.steer("Faster"))).toBeInstanceOf(ThreadBusyError);
  goals.updated({ status: "complete" });
  goals.end();
  expect(await goal.run()).toMatchObject({ status: "complete" });
});

test("events that nobody reads are dropped when they are too many; the goal comes to its end", async () => {
  await using pair = await goalThread();
  const { goals, thread } = pair;
  const goal = thread.runGoal("Reach it", { maxBacklogBytes: 1 });
  await goal.started;
  goals.updated({ status: "complete" });
  expect(await rejection(collect(goal))).toMatchObject({ code: "SLOW_CONSUMER" });
  expect((await goal.run()).status).toBe("complete");
});
