import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import {
  GoalNotActiveError,
  GoalNotStartedError,
  GoalTimeoutError,
} from "../../../lib/goals/goal-errors.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { later, ResponseError } from "../../support/linked-server.js";
import { Asking } from "../server-requests/asking.js";
import { brief, goalRecord, goalThread, isTidy, sent, threadId } from "./goal-server.js";

const paused = { threadId, status: "paused" };

describe("interrupting a goal", () => {
  test("while a turn runs interrupts that turn, and then pauses the goal", async () => {
    await using pair = await goalThread();
    const { client, goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    const events = collect(goal);
    await goal.started;
    goals.start("turn-1");
    goals.end();
    goals.start("turn-2");
    goals.say("So far.");
    await settled();
    await Promise.all([goal.interrupt(), goal.interrupt()]);
    expect(await goal.run()).toMatchObject({
      status: "interrupted",
      goal: { status: "paused" },
      turns: [{ status: "completed" }, { id: "turn-2", status: "interrupted" }],
      items: [{ text: "So far." }],
    });
    expect(server.paramsOf("turn/interrupt")).toEqual([{ threadId, turnId: "turn-2" }]);
    expect(server.paramsOf("thread/goal/set").slice(1)).toEqual([paused]);
    expect((await events).map(brief)).toContain("turn/completed turn-2");
    expect(isTidy(client)).toBe(true);
    await goal.interrupt();
    expect(server.paramsOf("turn/interrupt")).toHaveLength(1);
  });

  test("between two turns pauses it, and no other turn is touched", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    goals.end();
    await settled();
    await goal.interrupt();
    expect(await goal.run()).toMatchObject({ status: "interrupted", turns: [{ id: "turn-1" }] });
    expect(sent(server)).toEqual(["thread/goal/set", "thread/goal/set", "turn/steer"]);
  });

  test.each(["before", "after"])(
    "between two turns stops the next one, announced %s the answer to the pause",
    async (when) => {
      await using pair = await goalThread();
      const { client, goals, server, thread } = pair;
      const goal = thread.runGoal("Reach it");
      const after = thread.turn("After");
      const events = collect(goal);
      await goal.started;
      goals.start("turn-1");
      goals.end();
      await settled();
      server.handle("thread/goal/set", (_, request) => {
        goals.begin("turn-2");
        if (when === "before") goals.announce();
        goals.answerSet(request);
        return later;
      });
      const interrupting = goal.interrupt();
      await server.nextRequest("turn/steer");
      await settled();
      if (when === "after") goals.announce();
      await interrupting;
      expect(await goal.run()).toMatchObject({
        status: "interrupted",
        turns: [{ id: "turn-1" }, { id: "turn-2", status: "interrupted" }],
      });
      expect(server.paramsOf("turn/interrupt")).toEqual([{ threadId, turnId: "turn-2" }]);
      expect((await events).map(brief).at(-1)).toBe("turn/completed turn-2");
      const { id } = await after.started;
      server.turn({ threadId, turnId: id, text: "My turn." });
      await after.run();
      expect(isTidy(client)).toBe(true);
    },
  );

  test("when its turn ends by itself stops the turn that follows at once", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    await settled();
    server.handle("turn/interrupt", ({ turnId }) => {
      if (turnId === "turn-1") {
        if (goals.running === "turn-1") {
          goals.end();
          goals.start("turn-2");
        }
        throw new ResponseError(-32_600, "expected active turn id `turn-1` but found `turn-2`");
      }
      goals.end({ status: "interrupted" });
      return {};
    });
    await goal.interrupt();
    expect(await goal.run()).toMatchObject({
      status: "interrupted",
      goal: { status: "paused" },
      turns: [{ status: "completed" }, { id: "turn-2", status: "interrupted" }],
    });
  });

  test("that is completed in this moment leaves it complete", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    await settled();
    server.handle("turn/interrupt", () => {
      goals.updated({ status: "complete" });
      goals.end({ status: "interrupted" });
      return {};
    });
    await goal.interrupt();
    expect(await goal.run()).toMatchObject({ status: "complete", goal: { status: "complete" } });
    expect(server.paramsOf("thread/goal/set")).toHaveLength(1);
  });

  test("that was taken away meanwhile ends it all the same", async () => {
    await using pair = await goalThread();
    const { client, goals, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    await settled();
    goals.goal = null;
    await goal.interrupt();
    expect(await goal.run()).toMatchObject({ status: "interrupted", goal: { status: "active" } });
    expect(isTidy(client)).toBe(true);
  });

  test("that the server fails to pause rejects, since it may go on, and is paused later", async () => {
    await using pair = await goalThread();
    const { client, goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    await settled();
    server.handle("thread/goal/set", () => {
      throw new ResponseError(-32_603, "no disk");
    });
    await goal.interrupt();
    expect(await rejection(goal.run())).toMatchObject({ serverMessage: "no disk" });
    expect(goal.state).toMatchObject({ goal: { status: "active" }, turns: [{ id: "turn-1" }] });
    // Nobody waits, but another call may.
    server.handle("thread/goal/set", (_, request) => {
      goals.answerSet(request);
      return later;
    });
    await goal.interrupt();
    expect(goals.goal).toMatchObject({ status: "paused" });
    expect(isTidy(client)).toBe(true);
  });

  test.each(["in the tick of its making", "while it waits for its thread"])(
    "%s never sends it",
    async (when) => {
      await using pair = await goalThread();
      const { client, server, thread } = pair;
      if (when.startsWith("while")) {
        await thread.turn("Before").started;
      }
      const goal = thread.runGoal("Reach it");
      if (when.startsWith("while")) await settled();
      await goal.interrupt();
      expect(await goal.run()).toEqual({
        threadId,
        status: "interrupted",
        goal: null,
        error: null,
        turns: [],
        finalResponse: null,
        items: [],
        usage: null,
        usageWithSubagents: null,
        startedAt: null,
        completedAt: null,
        durationMs: 0,
      });
      expect(await rejection(goal.started)).toBeInstanceOf(GoalNotStartedError);
      expect(await collect(goal)).toEqual([]);
      await settled();
      expect(server.paramsOf("thread/goal/set")).toEqual([]);
      if (when.startsWith("in")) expect(isTidy(client)).toBe(true);
    },
  );

  test("that was sent and not answered waits for the answer, and pauses it then", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    server.handle("thread/goal/set", (params, request) => {
      if (params.status === "paused") goals.answerSet(request);
      return later;
    });
    const goal = thread.runGoal("Reach it");
    const request = await server.nextRequest("thread/goal/set");
    const interrupting = goal.interrupt();
    await settled();
    expect(server.paramsOf("thread/goal/set")).toHaveLength(1);
    goals.answerSet(request);
    await interrupting;
    expect(await goal.run()).toMatchObject({ status: "interrupted", goal: { status: "paused" } });
    await expect(goal.started).resolves.toMatchObject({ status: "active" });
  });

  test.each(["set", "paused"])(
    "approves of nothing that its turns ask, while the answer that it is %s stays away",
    async (stage) => {
      await using pair = await goalThread({ onApproval: "accept" });
      const { goals, server, thread } = pair;
      const asking = new Asking(server);
      if (stage === "set") server.handle("thread/goal/set", () => later);
      const goal = thread.runGoal("Reach it");
      if (stage === "set") await server.nextRequest("thread/goal/set");
      else await goal.started;
      server.handle("thread/goal/set", () => later);
      server.handle("turn/interrupt", () => later);
      goals.start("turn-1");
      goals.end();
      await settled();
      void goal.interrupt();
      await settled();
      goals.start("turn-2");
      await settled();
      const question = { threadId, turnId: "turn-2", itemId: "item-1", command: "ls", cwd: "/" };
      expect(await asking.answer("item/commandExecution/requestApproval", question)).toEqual({
        result: { decision: "decline" },
      });
      expect(server.paramsOf("turn/interrupt")).toEqual([{ threadId, turnId: "turn-2" }]);
    },
  );

  test("whose goal the server then refuses rejects with that", async () => {
    await using pair = await goalThread();
    const { server, thread } = pair;
    server.handle("thread/goal/set", () => later);
    const goal = thread.runGoal("Reach it");
    const request = await server.nextRequest("thread/goal/set");
    const interrupting = goal.interrupt();
    server.refuse(request, -32_603, "no disk");
    await interrupting;
    expect(await rejection(goal.run())).toMatchObject({ serverMessage: "no disk" });
  });
});

describe("an abort signal", () => {
  const reason = new Error("the user left");

  test("stops the goal, and leaves no listener", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const controller = new AbortController();
    const { signal } = controller;
    const goal = thread.runGoal("Reach it", { signal });
    const iterating = rejection(collect(goal));
    await goal.started;
    goals.start("turn-1");
    await settled();
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    controller.abort(reason);
    expect(await rejection(goal.run())).toBe(reason);
    expect(await iterating).toBe(reason);
    expect(server.paramsOf("thread/goal/set").at(-1)).toEqual(paused);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("that is aborted already keeps the goal from being sent", async () => {
    await using pair = await goalThread();
    const { client, server, thread } = pair;
    const goal = thread.runGoal("Reach it", { signal: AbortSignal.abort(reason) });
    expect(await rejection(goal.run())).toBe(reason);
    expect(await rejection(goal.started)).toBe(reason);
    await settled();
    expect(sent(server)).toEqual([]);
    expect(isTidy(client)).toBe(true);
  });

  test("that never aborts leaves no listener either", async () => {
    await using pair = await goalThread();
    const { goals, thread } = pair;
    const { signal } = new AbortController();
    const goal = thread.runGoal("Reach it", { signal });
    await goal.started;
    goals.updated({ status: "complete" });
    await goal.run();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("a time limit", () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  test("stops the goal, and rejects with what it did so far", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    const goal = thread.runGoal("Reach it", { timeoutMs: 60_000 });
    await goal.started;
    goals.start("turn-1");
    goals.say("Half way.");
    await settled();
    jest.advanceTimersByTime(60_000);
    const error = await rejection(goal.run());
    expect(error).toBeInstanceOf(GoalTimeoutError);
    expect(error).toMatchObject({
      code: "GOAL_TIMEOUT",
      timeoutMs: 60_000,
      result: { status: "interrupted", finalResponse: "Half way.", goal: { status: "paused" } },
    });
    expect(server.paramsOf("thread/goal/set").at(-1)).toEqual(paused);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("ends a goal that cannot be stopped, after a while", async () => {
    await using pair = await goalThread();
    const { client, goals, server, thread } = pair;
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    const goal = thread.runGoal("Reach it", { timeoutMs: 60_000 });
    await goal.started;
    goals.start("turn-1");
    goals.say("Half way.");
    await settled();
    server.handle("turn/interrupt", () => later);
    jest.advanceTimersByTime(60_000);
    await settled();
    jest.advanceTimersByTime(10_000);
    const error = await rejection(goal.run());
    expect(error).toBeInstanceOf(GoalTimeoutError);
    expect(error).toMatchObject({ result: { turns: [{ id: "turn-1", status: "inProgress" }] } });
    await settled();
    // The turn is still there, so the thread is not free; but the server does not go on after it.
    expect(server.paramsOf("thread/goal/set").at(-1)).toEqual(paused);
    expect(client.session.thread(threadId).slots.isBusy).toBe(true);
    goals.end();
    await settled();
    expect(isTidy(client)).toBe(true);
    expect((error as GoalTimeoutError).result.turns).toHaveLength(1);
  });

  test("covers an answer that does not come, and has the goal paused when it does", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    server.handle("thread/goal/set", (params, request) => {
      if (params.status === "paused") goals.answerSet(request);
      return later;
    });
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    const goal = thread.runGoal("Reach it", { timeoutMs: 5_000 });
    const request = await server.nextRequest("thread/goal/set");
    jest.advanceTimersByTime(5_000);
    await settled();
    jest.advanceTimersByTime(10_000);
    expect(await rejection(goal.run())).toBeInstanceOf(GoalTimeoutError);
    expect(await rejection(goal.steer("More"))).toBeInstanceOf(GoalNotActiveError);
    const next = thread.turn("Two");
    await settled();
    expect(server.paramsOf("turn/start")).toEqual([]);
    goals.goal = goalRecord();
    server.respond(request, { goal: goals.goal });
    // The turn that the server begins for it is not left to itself either.
    goals.start("turn-1");
    await settled();
    expect(server.paramsOf("turn/interrupt")).toEqual([{ threadId, turnId: "turn-1" }]);
    expect(server.paramsOf("thread/goal/set").at(-1)).toEqual(paused);
    expect(goals.goal).toMatchObject({ status: "paused" });
    expect(await next.started).toEqual({ id: "turn-1" });
  });
});

describe("leaving the loop early", () => {
  test("stops the goal and waits for its end", async () => {
    await using pair = await goalThread();
    const { client, goals, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    for await (const { method } of goal) if (method === "turn/started") break;
    expect(goals.goal).toMatchObject({ status: "paused" });
    expect(isTidy(client)).toBe(true);
    expect(await goal.run()).toMatchObject({ status: "interrupted" });
  });

  test('lets it run on with onBreak: "detach"', async () => {
    await using pair = await goalThread();
    const { goals, thread } = pair;
    const goal = thread.runGoal("Reach it", { onBreak: "detach" });
    await goal.started;
    goals.start("turn-1");
    for await (const { method } of goal) if (method === "turn/started") break;
    goals.say("On my own.");
    goals.end();
    goals.start("turn-2");
    goals.updated({ status: "complete" });
    goals.end();
    expect(await goal.run()).toMatchObject({ status: "complete", finalResponse: "On my own." });
  });

  test("by the end of an `await using` block stops it as well", async () => {
    await using pair = await goalThread();
    const { goals, thread } = pair;
    {
      await using goal = thread.runGoal("Reach it");
      await goal.started;
      goals.start("turn-1");
    }
    expect(goals.goal).toMatchObject({ status: "paused" });
  });
});
