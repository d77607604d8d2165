import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { TransportClosedError } from "../../../lib/errors/connection-errors.js";
import { GoalStalledError } from "../../../lib/goals/goal-errors.js";
import { TurnDetachedError } from "../../../lib/errors/turn-detached-error.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { later, ResponseError } from "../../support/linked-server.js";
import { brief, goalThread, isTidy, sent, threadId } from "./goal-server.js";

const moments = ["in a turn", "between two turns"];

describe("the connection", () => {
  test.each(moments)(
    "that is lost %s ends the goal, with an error for each who waits",
    async (when) => {
      await using pair = await goalThread();
      const { client, goals, server, thread } = pair;
      const goal = thread.runGoal("Reach it");
      const iterating = rejection(collect(goal));
      await goal.started;
      goals.start("turn-1");
      goals.say("Half way.");
      if (when === "between two turns") goals.end();
      await settled();
      server.crash({ exitCode: 101 });
      const errors = await Promise.all([iterating, rejection(goal.run()), rejection(goal.run())]);
      for (const error of errors) {
        expect(error).toBeInstanceOf(TransportClosedError);
        expect(error).toMatchObject({ exitCode: 101, method: "the goal" });
      }
      expect(new Set(errors).size).toBe(3);
      expect(goal.state).toMatchObject({ goal: { status: "active" }, turns: [{ id: "turn-1" }] });
      expect(isTidy(client)).toBe(true);
    },
  );

  test.each(["thread/goal/get", "thread/goal/set"])(
    "that is lost while %s is unanswered rejects with that",
    async (method) => {
      await using pair = await goalThread();
      const { server, thread } = pair;
      server.handle(method, () => later);
      const goal = thread.runGoal("Reach it");
      await server.nextRequest(method);
      server.crash({ signal: "SIGKILL" });
      expect(await rejection(goal.run())).toBeInstanceOf(TransportClosedError);
      expect(await rejection(goal.started)).toBeInstanceOf(TransportClosedError);
    },
  );

  test("that is lost while the goal is being stopped ends it as well", async () => {
    await using pair = await goalThread();
    const { goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    goals.end();
    await settled();
    server.handle("thread/goal/set", () => later);
    const interrupting = goal.interrupt();
    await server.nextRequest("thread/goal/set");
    await server.nextRequest("thread/goal/set");
    server.crash();
    await interrupting;
    expect(await rejection(goal.run())).toBeInstanceOf(TransportClosedError);
  });

  test("that is closed while the goal waits for its thread ends it", async () => {
    await using pair = await goalThread();
    const { client, thread } = pair;
    await thread.turn("Before").started;
    const goal = thread.runGoal("Reach it");
    await settled();
    await client.close();
    expect(await rejection(goal.run())).toBeInstanceOf(TransportClosedError);
  });
});

describe("the thread", () => {
  test("that is unsubscribed in a turn tells nothing more of the goal", async () => {
    await using pair = await goalThread();
    const { client, goals, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    await settled();
    await client.request("thread/unsubscribe", { threadId });
    expect(await rejection(goal.run())).toBeInstanceOf(TurnDetachedError);
    expect(isTidy(client)).toBe(true);
  });

  test("that is unsubscribed between two turns shows it by its status", async () => {
    await using pair = await goalThread();
    const { client, goals, server, thread } = pair;
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    server.notify("thread/status/changed", { threadId, status: { type: "active" } });
    goals.end();
    await settled();
    await client.request("thread/unsubscribe", { threadId });
    server.notify("thread/status/changed", { threadId: "thread-2", status: { type: "active" } });
    await settled();
    expect(goal.state.turn).toBeNull();
    server.notify("thread/status/changed", { threadId, status: { type: "active" } });
    expect(await rejection(goal.run())).toBeInstanceOf(TurnDetachedError);
    expect(isTidy(client)).toBe(true);
  });

  test.each(["thread/archived", "thread/deleted", "thread/closed"])(
    "of which %s is told has no more turns",
    async (method) => {
      await using pair = await goalThread();
      const { client, goals, server, thread } = pair;
      const goal = thread.runGoal("Reach it");
      const events = collect(goal);
      await goal.started;
      goals.start("turn-1");
      goals.end();
      await settled();
      goals.goal = null;
      server.notify(method, { threadId });
      expect(await goal.run()).toMatchObject({ status: "interrupted", goal: { status: "active" } });
      expect((await events).map(brief).at(-1)).toBe("turn/completed turn-1");
      expect(isTidy(client)).toBe(true);
    },
  );
});

describe("a server that goes silent", () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  const wait = async (ms: number) => {
    jest.advanceTimersByTime(ms);
    await settled();
  };

  async function silentGoal() {
    const pair = await goalThread();
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    const goal = pair.thread.runGoal("Reach it");
    await goal.started;
    return { ...pair, goal };
  }

  test.each(["at once", "after a turn"])(
    "%s, and says when asked that nothing is under way, has given up",
    async (when) => {
      await using stage = await silentGoal();
      const { client, goal, goals } = stage;
      if (when === "after a turn") {
        goals.start("turn-1");
        goals.end();
        await settled();
      }
      await wait(2_000);
      expect(goal.state.goal?.status).toBe("active");
      await wait(2_000);
      const error = await rejection(goal.run());
      expect(error).toBeInstanceOf(GoalStalledError);
      expect(error).toMatchObject({
        code: "GOAL_STALLED",
        message: expect.stringContaining("plan mode"),
        result: { goal: { status: "paused" } },
      });
      expect(goals.goal).toMatchObject({ status: "paused" });
      expect(jest.getTimerCount()).toBe(0);
      expect(isTidy(client)).toBe(true);
    },
  );

  test("and says when asked that a turn is under way is waited for", async () => {
    await using stage = await silentGoal();
    const { goal, goals, server } = stage;
    goals.begin("turn-1");
    for (let round = 0; round < 5; round += 1) await wait(2_000);
    expect(server.paramsOf("turn/steer")).toHaveLength(5);
    goals.announce();
    await settled();
    // While a turn runs there is nothing to ask.
    await wait(60_000);
    expect(server.paramsOf("turn/steer")).toHaveLength(5);
    expect(goals.steered).toEqual([]);
    goals.updated({ status: "complete" });
    goals.end();
    expect(await goal.run()).toMatchObject({ status: "complete" });
    expect(jest.getTimerCount()).toBe(0);
  });

  test("is asked anew in each silence", async () => {
    await using stage = await silentGoal();
    const { goal, goals } = stage;
    for (const turnId of ["turn-1", "turn-2", "turn-3"]) {
      await wait(2_000);
      goals.start(turnId);
      goals.end();
      await settled();
    }
    goals.updated({ status: "complete" });
    expect(await goal.run()).toMatchObject({ status: "complete", turns: { length: 3 } });
  });

  test.each([
    ["complete", { status: "complete" }],
    ["cleared", null],
  ])("and says when asked that the goal is %s, has no more to say", async (status, answer) => {
    await using stage = await silentGoal();
    const { client, goal, goals, server } = stage;
    goals.goal = answer && { ...goals.goal, ...answer };
    await wait(2_000);
    await settled();
    expect(await goal.run()).toMatchObject({ status });
    expect(server.paramsOf("thread/goal/set")).toHaveLength(1);
    expect(isTidy(client)).toBe(true);
  });

  test("is not asked while a turn of somebody's own is in between", async () => {
    await using stage = await silentGoal();
    const { goal, goals, server, thread } = stage;
    server.handle("turn/start", () => ({ turn: { id: "turn-x" } }));
    const own = thread.turn("By the way", { whenBusy: "steer" });
    // It waits for a turn of the goal, but for no longer than this.
    await wait(3_000);
    await own.started;
    goals.start("turn-x");
    await settled();
    for (let round = 0; round < 5; round += 1) await wait(2_000);
    expect(sent(server)).toEqual(["thread/goal/set", "turn/steer", "turn/start"]);
    goals.updated({ status: "complete" });
    goals.end();
    expect(await goal.run()).toMatchObject({ status: "complete", turns: [] });
  });

  test("and refuses to say anything ends the goal with that", async () => {
    await using stage = await silentGoal();
    const { client, goal, server } = stage;
    server.handle("thread/goal/get", () => {
      throw new ResponseError(-32_600, "thread not found: thread-1");
    });
    await wait(2_000);
    expect(await rejection(goal.run())).toMatchObject({ code: "THREAD_NOT_FOUND" });
    expect(isTidy(client)).toBe(true);
  });
});
