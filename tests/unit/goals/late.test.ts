import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { RequestTimeoutError } from "../../../lib/errors/connection-errors.js";
import { rejection, settled } from "../../support/collect.js";
import {
  later,
  linkedThread,
  type ClientRequest,
  type LinkedServer,
} from "../../support/linked-server.js";
import { goalRecord, GoalServer, isTidy, threadId } from "./goal-server.js";

const paused = { threadId, status: "paused" };
const requestTimeoutMs = 7_777;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
});

afterEach(() => {
  jest.useRealTimers();
});

/** A server that leaves the first `thread/goal/set` unanswered until after its deadline. */
async function lateServer(set: "runGoal" | "goal.set") {
  const pair = await linkedThread({ requestTimeoutMs });
  const { server, thread } = pair;
  const goals = new GoalServer(server);
  const answer = server.handler("thread/goal/set");
  let first: ClientRequest | undefined;
  server.handle("thread/goal/set", (params, request) => {
    if (first) return answer(params, request);
    first = request;
    return later;
  });
  const call =
    set === "runGoal"
      ? thread.runGoal("Reach it").run()
      : thread.goal.set({ objective: "Reach it" });
  const failure = rejection(call);
  const request = await server.nextRequest("thread/goal/set");
  await settled();
  jest.advanceTimersByTime(requestTimeoutMs);
  return { ...pair, goals, request, error: await failure };
}

/** A server that fails the next two times that a goal is set; tells how often it was asked to. */
function failTwice(server: LinkedServer): () => number {
  const answer = server.handler("thread/goal/set");
  let attempts = 0;
  server.handle("thread/goal/set", (params, request) => {
    attempts += 1;
    if (attempts > 2) return answer(params, request);
    throw new Error("no disk");
  });
  return () => attempts;
}

describe.each(["runGoal", "goal.set"] as const)("a goal that is set too late: %s", (set) => {
  test("is paused, and its turn interrupted, when the answer comes", async () => {
    await using pair = await lateServer(set);
    const { client, error, goals, request, server } = pair;
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect((error as Error).message).toBe(
      "thread/goal/set was not answered within 7777 ms; the server may still carry it out. " +
        "If it does, this client pauses the goal.",
    );
    goals.answerSet(request);
    goals.start("turn-1");
    await settled();
    expect(server.paramsOf("thread/goal/set").at(-1)).toEqual(paused);
    expect(server.paramsOf("turn/interrupt")).toEqual([{ threadId, turnId: "turn-1" }]);
    expect(goals).toMatchObject({ goal: { status: "paused" }, running: undefined });
    expect(isTidy(client)).toBe(true);
  });

  test("is so too when its turn has been announced before the answer", async () => {
    await using pair = await lateServer(set);
    const { client, goals, request, server } = pair;
    goals.start("turn-1");
    server.handle("thread/turns/list", () => ({
      data: [{ id: "turn-1", status: "inProgress", items: [] }],
      nextCursor: null,
    }));
    await settled();
    goals.goal = goalRecord();
    server.respond(request, { goal: goals.goal });
    await settled();
    expect(server.paramsOf("turn/interrupt")).toEqual([{ threadId, turnId: "turn-1" }]);
    expect(goals).toMatchObject({ goal: { status: "paused" }, running: undefined });
    expect(isTidy(client)).toBe(true);
  });

  test("is the next handle's when one has set a goal meanwhile", async () => {
    await using pair = await lateServer(set);
    const { goals, request, server, thread } = pair;
    const next = thread.runGoal("Reach it");
    await next.started;
    server.respond(request, { goal: goalRecord() });
    goals.start("turn-1");
    await settled();
    expect(server.paramsOf("turn/interrupt")).toEqual([]);
    expect(goals.goal).toMatchObject({ status: "active" });
    goals.updated({ status: "complete" });
    goals.end();
    expect((await next.run()).status).toBe("complete");
  });

  test("is left to a call that has set it again", async () => {
    await using pair = await lateServer(set);
    const { goals, request, server, thread } = pair;
    await thread.goal.set({ objective: "Reach it", status: "active" });
    server.respond(request, { goal: goalRecord() });
    await settled();
    expect(goals.goal).toMatchObject({ status: "active" });
    expect(server.paramsOf("thread/goal/set")).not.toContainEqual(paused);
  });
});

test("a goal that is set too late is known by its objective when no answer comes", async () => {
  await using pair = await lateServer("runGoal");
  const { client, goals, server } = pair;
  server.notify("thread/goal/updated", {
    threadId,
    turnId: null,
    goal: goalRecord({ objective: "Something else" }),
  });
  await settled();
  expect(server.paramsOf("thread/goal/set")).toHaveLength(1);
  goals.updated({});
  await settled();
  expect(goals.goal).toMatchObject({ status: "paused" });
  expect(isTidy(client)).toBe(true);
  expect(jest.getTimerCount()).toBe(0);
});

test.each<[string, Record<string, unknown>]>([
  ["does not go", { status: "paused" }],
  ["was set going by somebody else", { status: "active", tokensUsed: 5 }],
])("a goal that was set too late and %s is no reason to keep its thread", async (_, goal) => {
  await using pair = await lateServer("goal.set");
  const { client, request, server } = pair;
  expect(client.session.threads.find(threadId)?.goalRequest).toBeDefined();
  server.respond(request, { goal: goalRecord(goal) });
  server.notify("thread/closed", { threadId });
  await settled();
  expect(client.session.threads.find(threadId)).toBeUndefined();
});

test("pausing it is tried again when the server fails to", async () => {
  await using pair = await lateServer("runGoal");
  const { goals, request, server } = pair;
  const attempts = failTwice(server);
  goals.answerSet(request);
  for (let count = 0; count < 5; count += 1) {
    await settled();
    jest.advanceTimersByTime(1_000);
  }
  expect(attempts()).toBe(3);
  expect(goals.goal).toMatchObject({ status: "paused" });
});

test("no turn of ours goes before it is paused, however often the server fails to", async () => {
  await using pair = await lateServer("runGoal");
  const { goals, request, server, thread } = pair;
  const attempts = failTwice(server);
  server.handle("review/start", () => later);
  goals.answerSet(request);
  await settled();
  expect(attempts()).toBe(1);
  void rejection(thread.review({ type: "uncommittedChanges" }).run());
  await settled();
  expect(server.paramsOf("review/start")).toEqual([]);
  for (let count = 0; count < 5; count += 1) {
    await settled();
    jest.advanceTimersByTime(1_000);
  }
  expect(goals.goal).toMatchObject({ status: "paused" });
  await settled();
  expect(server.paramsOf("review/start")).toHaveLength(1);
});

test("a goal that the server has told of goes on without the answer", async () => {
  await using pair = await linkedThread({ requestTimeoutMs });
  const { client, server, thread } = pair;
  const goals = new GoalServer(server);
  server.handle("thread/goal/set", () => later);
  const goal = thread.runGoal("Reach it");
  const request = await server.nextRequest("thread/goal/set");
  goals.updated({});
  goals.start("turn-1");
  await settled();
  jest.advanceTimersByTime(requestTimeoutMs);
  await goal.started;
  goals.updated({ status: "complete" });
  goals.end();
  expect((await goal.run()).status).toBe("complete");
  // The late answer is of no interest then.
  server.respond(request, { goal: goalRecord() });
  await settled();
  expect(server.paramsOf("thread/goal/set")).toHaveLength(1);
  expect(isTidy(client)).toBe(true);
});
