import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { InvalidRequestError, type AppServerClient, type Codex } from "../../lib/index.js";
import { reply, type LoopbackModel, type ModelRequest } from "../../lib/testing/index.js";
import { next, RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
  client = await codex.client();
});
afterAll(() => stage.close());

/** The next time that the goal of a thread has this status. */
function goalIs(threadId: string, status: string): Promise<unknown> {
  const fits = (params: { threadId: string; goal: { status: string } }) =>
    params.threadId === threadId && params.goal.status === status;
  return next(client, "thread/goal/updated", fits);
}

describe("goal.set()", () => {
  test("makes the server start turns by itself until the goal is complete", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(
      thread.id,
      reply.text("A beginning."),
      reply.updateGoal("complete"),
      reply.text("Done."),
    );
    const turns = thread.unsolicitedTurns();
    const first = turns.next();
    const completed = goalIs(thread.id, "complete");
    const goal = await thread.goal.set({ objective: "  Finish the work. ", tokenBudget: 100_000 });
    expect(goal).toMatchObject({
      objective: "Finish the work.",
      status: "active",
      tokenBudget: 100_000,
    });
    expect(await (await first).value?.run()).toMatchObject({ finalResponse: "A beginning." });
    expect(await (await turns.next()).value?.run()).toMatchObject({ finalResponse: "Done." });
    await completed;
    expect(await thread.goal.get()).toMatchObject({ status: "complete" });
    await turns.return?.();
  });

  test("during a turn of a handle leaves it as it is; the goal's own turns follow", async () => {
    const thread = await codex.startThread();
    const hold = reply.hold();
    model.enqueueFor(
      thread.id,
      reply.text(["My ", hold, "own."]),
      reply.updateGoal("complete"),
      reply.text("The goal's."),
    );
    const turn = thread.turn("Mine");
    await hold.reached;
    await thread.goal.set({ objective: "Work" });
    const turns = thread.unsolicitedTurns();
    const following = turns.next();
    hold.release();
    const { items, finalResponse } = await turn.run();
    expect(finalResponse).toBe("My own.");
    expect(items.map(({ type }) => type)).toEqual(["userMessage", "agentMessage"]);
    const { value: next } = await following;
    expect(await next?.run()).toMatchObject({ finalResponse: "The goal's." });
    expect(next?.id).not.toBe(turn.id);
    await turns.return?.();
  });

  test("lets turns of handles go in between, each with its own answer", async () => {
    const thread = await codex.startThread();
    const hold = reply.hold();
    // The server may have begun the goal's next turn when one of these arrives, which is then part of it.
    for (const text of ["First", "Second"]) {
      const isIts = ({ threadId, lastUserText }: ModelRequest): boolean =>
        threadId === thread.id && lastUserText === text;
      model.enqueueFor(isIts, reply.text(`${text}.`));
    }
    model.enqueueFor(thread.id, reply.text(["The goal's ", hold, "turn."]));
    await thread.goal.set({ objective: "Work" });
    await hold.reached;
    const turns = [thread.turn("First"), thread.turn("Second")];
    hold.release();
    const results = await Promise.all(turns.map((turn) => turn.run()));
    await thread.goal.clear();
    const answers = results.map(({ items }) =>
      items.flatMap((item) => (item.type === "agentMessage" ? [item.text] : [])),
    );
    expect(answers).toEqual([
      expect.arrayContaining(["First."]),
      expect.arrayContaining(["Second."]),
    ]);
    expect(new Set(results.map(({ id }) => id)).size).toBe(2);
  });

  test("changes what it names: a new objective does not wake a goal that rests", async () => {
    const thread = await codex.startThread();
    await thread.goal.set({ objective: "Work", status: "paused", tokenBudget: 5_000 });
    expect(await thread.goal.set({ objective: "Other work" })).toMatchObject({
      objective: "Other work",
      status: "paused",
      tokenBudget: 5_000,
    });
    expect(await thread.goal.set({ tokenBudget: null })).toMatchObject({ tokenBudget: null });
    expect(await thread.goal.get()).toMatchObject({ objective: "Other work", status: "paused" });

    model.enqueueFor(thread.id, reply.updateGoal("complete"), reply.text("Done."));
    const completed = next(client, "turn/completed", ({ threadId }) => threadId === thread.id);
    await thread.goal.set({ status: "active" });
    expect((await completed).turn.status).toBe("completed");
    expect(await thread.goal.get()).toMatchObject({ status: "complete" });
  });

  test("stops by itself when the budget is used up", async () => {
    const thread = await codex.startThread();
    model.respond(({ threadId }) =>
      threadId === thread.id ? reply.text("Still working.") : undefined,
    );
    const limited = goalIs(thread.id, "budgetLimited");
    await thread.goal.set({ objective: "Work", tokenBudget: 20 });
    await limited;
    model.respond(undefined);
    const goal = await thread.goal.get();
    expect(goal?.status).toBe("budgetLimited");
    expect(goal?.tokensUsed).toBeGreaterThanOrEqual(20);
  });

  test("loads the thread first, so that the goal is worked on", async () => {
    const thread = await codex.startThread();
    await thread.run("Hi");
    await thread.archive();
    await thread.unarchive();
    model.enqueueFor(thread.id, reply.updateGoal("complete"), reply.text("Done."));
    const completed = goalIs(thread.id, "complete");
    await thread.goal.set({ objective: "Work" });
    await completed;
  });

  test("takes an objective of 4,000 characters, however wide they are", async () => {
    const thread = await codex.startThread();
    const objective = "🙂".repeat(4_000);
    const set = { objective: ` ${objective} `, status: "paused" } as const;
    expect(await thread.goal.set(set)).toMatchObject({ objective });
  });
});

describe("interrupting a goal's turn", () => {
  test("stops the chain and leaves the goal active; the next turn to end resumes it", async () => {
    const thread = await codex.startThread();
    const hold = reply.hold();
    model.enqueueFor(thread.id, reply.text(["Half", hold]));
    const turns = thread.unsolicitedTurns();
    const first = turns.next();
    await thread.goal.set({ objective: "Work" });
    const { value: turn } = await first;
    await hold.reached;
    await turn?.interrupt();
    expect(await turn?.run()).toMatchObject({ status: "interrupted" });
    expect(await thread.goal.get()).toMatchObject({ status: "active" });
    hold.release();

    model.enqueueFor(thread.id, reply.text("Mine."), reply.updateGoal("complete"));
    const completed = goalIs(thread.id, "complete");
    expect(await thread.run("Between")).toMatchObject({ finalResponse: "Mine." });
    await completed;
    await turns.return?.();
  });
});

describe("goal.get() and goal.clear()", () => {
  test("tell of no goal, and take away the one that is there, also of a thread not loaded", async () => {
    const thread = await codex.startThread();
    expect(await thread.goal.get()).toBeNull();
    expect(await thread.goal.clear()).toBe(false);
    await thread.run("Hi");
    await thread.goal.set({ objective: "Work", status: "paused" });
    await thread.archive();
    await thread.unarchive();
    expect(await thread.goal.get()).toMatchObject({ objective: "Work", status: "paused" });
    expect(await thread.goal.clear()).toBe(true);
    expect(await thread.goal.get()).toBeNull();
    expect(await rejection(thread.goal.set({ status: "active" }))).toBeInstanceOf(
      InvalidRequestError,
    );
  });
});
