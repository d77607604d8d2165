import { describe, expect, test } from "@jest/globals";
import { GoalsUnavailableError } from "../../../lib/errors/rpc-errors.js";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { ThreadBusyError } from "../../../lib/errors/rpc-errors.js";
import type { Thread } from "../../../lib/thread.js";
import { rejection, settled } from "../../support/collect.js";
import { later, ResponseError, textsSent } from "../../support/linked-server.js";
import { opened, turnMessages, turnStarted } from "../../support/turn-messages.js";
import { Asking, requests } from "../server-requests/asking.js";
import { goalRecord, goalThread, isTidy, sent, threadId } from "./goal-server.js";

const anything = (thread: Thread) => thread.runGoal.bind(thread) as (...args: unknown[]) => unknown;

test.each([
  ["an objective that is blank", "objective", [" \n"]],
  ["no objective", "objective", [undefined]],
  ["an objective that is null", "objective", [null]],
  ["an objective of 4,001 characters", "objective", ["x".repeat(4_001)]],
  ["a budget of nothing", "tokenBudget", ["Reach it", { tokenBudget: 0 }]],
  ["a budget of half a token", "tokenBudget", ["Reach it", { tokenBudget: 0.5 }]],
  ["a time limit that is none", "timeoutMs", ["Reach it", { timeoutMs: -1 }]],
  ["a wish to steer", "whenBusy", ["Reach it", { whenBusy: "steer" }]],
  ["an approval that is no function", "onApproval", ["Reach it", { onApproval: 1 }]],
])("%s is refused before anything is sent", async (_case, argument, args) => {
  await using pair = await goalThread();
  const { server, thread } = pair;
  expect(() => anything(thread)(...args)).toThrow(InvalidArgumentError);
  expect(() => anything(thread)(...args)).toThrow(argument);
  await settled();
  expect(sent(server)).toEqual([]);
});

test("the goal is set as active, with all that belongs to it", async () => {
  await using pair = await goalThread();
  const { server, thread } = pair;
  const objective = `${"🎯".repeat(4_000)}  `;
  const goal = thread.runGoal(objective, { tokenBudget: 500, origin: "automatic" });
  await expect(goal.started).resolves.toMatchObject({ tokenBudget: 500 });
  expect(goal).toMatchObject({ threadId, objective });
  expect(server.paramsOf("thread/goal/set")).toEqual([
    { threadId, objective, tokenBudget: 500, origin: "automatic", status: "active" },
  ]);
});

test("a handle of a goal is no promise", async () => {
  await using pair = await goalThread();
  const goal = pair.thread.runGoal("Reach it");
  expect("then" in goal).toBe(false);
  expect(goal.state).toEqual({ threadId, goal: null, cleared: false, turns: [], turn: null });
  await goal.interrupt();
});

describe("a busy thread", () => {
  test("is waited for, and its later turns wait for the whole goal", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const before = thread.turn("Before");
    await before.started;
    const goal = thread.runGoal("Reach it");
    const after = thread.turn("After");
    await settled();
    expect(sent(server)).toEqual(["turn/start"]);
    server.turn({ threadId, turnId: "turn-1", text: "One." });
    await before.run();
    await goal.started;
    for (const turnId of ["turn-a", "turn-b"]) {
      goals.start(turnId);
      if (turnId === "turn-b") goals.updated({ status: "complete" });
      await settled();
      expect(textsSent(server)).toEqual(["Before"]);
      goals.end();
    }
    expect(await goal.run()).toMatchObject({ turns: [{ id: "turn-a" }, { id: "turn-b" }] });
    await after.started;
    expect(textsSent(server)).toEqual(["Before", "After"]);
    server.turn({ threadId, turnId: "turn-2", text: "Two." });
    expect(await after.run()).toMatchObject({ finalResponse: "Two." });
  });

  test("runs one goal after the other", async () => {
    await using pair = await goalThread();
    const { client, goals, server, thread } = pair;
    const first = thread.runGoal("First");
    const second = thread.runGoal("Second");
    await first.started;
    goals.start("turn-1");
    goals.updated({ status: "complete" });
    goals.end();
    expect(await first.run()).toMatchObject({ goal: { objective: "First" } });
    await second.started;
    goals.start("turn-2");
    goals.updated({ status: "complete" });
    goals.end();
    expect(await second.run()).toMatchObject({
      status: "complete",
      goal: { objective: "Second" },
      turns: [{ id: "turn-2" }],
    });
    const objectives = server.paramsOf("thread/goal/set").map(({ objective }) => objective);
    expect(objectives).toEqual(["First", "Second"]);
    expect(isTidy(client)).toBe(true);
  });

  test('is an error with whenBusy: "reject"', async () => {
    await using pair = await goalThread();
    const { server, thread } = pair;
    await thread.turn("Before").started;
    const goal = thread.runGoal("Reach it", { whenBusy: "reject" });
    const error = await rejection(goal.run());
    expect(error).toBeInstanceOf(ThreadBusyError);
    expect(error).toMatchObject({ method: "thread/goal/set" });
    expect(await rejection(goal.started)).toBeInstanceOf(ThreadBusyError);
    expect(sent(server)).toEqual(["turn/start"]);
  });

  test("that shows only when it is loaded counts as well", async () => {
    await using pair = await goalThread();
    const { client, goals, server } = pair;
    server.handle("thread/resume", ({ threadId: id }) =>
      opened(id as string, { type: "active", activeFlags: [] }),
    );
    const stranger = client.thread("thread-2");
    const refused = await rejection(stranger.runGoal("Reach it", { whenBusy: "reject" }).run());
    expect(refused).toBeInstanceOf(ThreadBusyError);
    const goal = stranger.runGoal("Reach it");
    await settled();
    expect(server.paramsOf("thread/goal/set")).toEqual([]);
    server.send(
      ...turnMessages({ threadId: "thread-2", turnId: "turn-x", text: "Theirs." }).slice(-1),
    );
    await goal.started;
    expect(goals.goal).toMatchObject({ threadId: "thread-2" });
    await goal.interrupt();
  });
});

describe("a goal that the thread has already", () => {
  test("is taken away first, and the server may tell of that late", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    goals.goal = goalRecord({ objective: "Old", status: "complete", tokensUsed: 99 });
    server.handle("thread/goal/clear", () => {
      goals.goal = null;
      return { cleared: true };
    });
    server.handle("thread/goal/set", ({ objective }, request) => {
      goals.goal = goalRecord({ objective: String(objective).trim() });
      server.respond(request, { goal: goals.goal });
      server.notify("thread/goal/cleared", { threadId });
      goals.updated({}, null);
      return later;
    });
    const goal = thread.runGoal(" New ");
    await goal.started;
    expect(sent(server)).toEqual(["thread/goal/clear", "turn/steer", "thread/goal/set"]);
    goals.start("turn-1");
    goals.updated({ status: "complete" });
    goals.end();
    expect(await goal.run()).toMatchObject({
      status: "complete",
      goal: { objective: "New", tokensUsed: 0 },
    });
  });

  test("and of which the server tells in time is not mistaken for the new one", async () => {
    await using pair = await goalThread();
    const { goals, thread } = pair;
    goals.goal = goalRecord({ objective: "Old", status: "paused" });
    const goal = thread.runGoal("New");
    await goal.started;
    goals.start("turn-1");
    goals.cleared();
    goals.end();
    expect(await goal.run()).toMatchObject({ status: "cleared", goal: { objective: "New" } });
  });

  test("has a last turn under way, perhaps, which is waited for and not taken for the new one's", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    goals.goal = goalRecord({ objective: "Old" });
    goals.begin("turn-old");
    const goal = thread.runGoal("New");
    await server.nextRequest("turn/steer");
    await settled();
    goals.announce();
    goals.say("Still at the old one.");
    await settled();
    expect(server.paramsOf("thread/goal/set")).toEqual([]);
    goals.end();
    await goal.started;
    goals.start("turn-new");
    goals.updated({ status: "complete" });
    goals.end();
    expect(await goal.run()).toMatchObject({ turns: [{ id: "turn-new" }] });
  });

  test("is taken away before the thread is loaded, which would set it going", async () => {
    await using pair = await goalThread();
    const { client, goals, server } = pair;
    goals.goal = goalRecord({ objective: "Old", threadId: "thread-2" });
    const goal = client.thread("thread-2").runGoal("New");
    await goal.started;
    const own = sent(server).filter((method) => method !== "thread/queue/list");
    expect(own).toEqual(["thread/goal/clear", "thread/resume", "thread/read", "thread/goal/set"]);
    await goal.interrupt();
  });
});

describe("a goal that cannot be set", () => {
  test.each([
    ["thread/goal/get", "goals feature is disabled", "feature"],
    ["thread/goal/set", "goals feature is disabled", "feature"],
    ["thread/goal/get", "ephemeral thread does not support goals: thread-1", "ephemeral: true"],
  ])("because %s says: %s", async (method, sentence, advice) => {
    await using pair = await goalThread();
    const { client, server, thread } = pair;
    server.handle(method, () => {
      throw new ResponseError(-32_600, sentence);
    });
    const goal = thread.runGoal("Reach it");
    const error = await rejection(goal.run());
    expect(error).toBeInstanceOf(GoalsUnavailableError);
    expect(error).toMatchObject({
      code: "GOALS_UNAVAILABLE",
      method,
      serverMessage: sentence,
      message: expect.stringContaining(advice),
    });
    expect(await rejection(goal.started)).toBeInstanceOf(GoalsUnavailableError);
    expect(isTidy(client)).toBe(true);
  });

  test("for any other reason rejects with what the server says", async () => {
    await using pair = await goalThread();
    const { server, thread } = pair;
    server.handle("thread/goal/set", () => {
      throw new ResponseError(-32_603, "no disk");
    });
    expect(await rejection(thread.runGoal("Reach it").run())).toMatchObject({
      code: "INTERNAL_ERROR",
      serverMessage: "no disk",
    });
  });
});

test("what the server tells before its answer counts as well", async () => {
  await using pair = await goalThread();
  const { goals, server, thread } = pair;
  server.handle("thread/goal/set", () => later);
  const goal = thread.runGoal("Reach it");
  const request = await server.nextRequest("thread/goal/set");
  goals.running = "turn-1";
  server.send(turnStarted({ threadId, turnId: "turn-1" }));
  goals.updated({ status: "complete" });
  goals.end();
  server.respond(request, { goal: goalRecord() });
  expect(await goal.run()).toMatchObject({ status: "complete", turns: [{ id: "turn-1" }] });
});

test("the goal's handlers answer what the server asks in any of its turns", async () => {
  await using pair = await goalThread();
  const { goals, server, thread } = pair;
  const asked: string[] = [];
  const goal = thread.runGoal("Reach it", {
    onApproval: ({ turnId }) => {
      asked.push(turnId);
      return "accept";
    },
    onCurrentTime: () => new Date(1_000),
  });
  await goal.started;
  const times: unknown[] = [];
  const asking = new Asking(server);
  const answers: unknown[] = [];
  for (const turnId of ["turn-1", "turn-2"]) {
    goals.start(turnId);
    const params = { ...requests.command, turnId };
    answers.push(await asking.answer("item/commandExecution/requestApproval", params));
    times.push(await asking.answer("currentTime/read", requests.time));
    if (turnId === "turn-2") goals.updated({ status: "complete" });
    goals.end();
  }
  await goal.run();
  expect(asked).toEqual(["turn-1", "turn-2"]);
  expect(answers).toEqual([{ result: { decision: "accept" } }, { result: { decision: "accept" } }]);
  expect(times).toEqual([{ result: { currentTimeAt: 1 } }, { result: { currentTimeAt: 1 } }]);
});
