import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  InvalidRequestError,
  ThreadBusyError,
  type AppServerClient,
  type Codex,
  type Thread,
} from "../../lib/index.js";
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

/** The model is asked on this thread for what the user has just said. */
function asked(thread: Thread, text: string): (request: ModelRequest) => boolean {
  return ({ threadId, lastUserText }) => threadId === thread.id && lastUserText === text;
}

/** What the agent has said in the thread's turns, oldest first. */
async function answers(thread: Thread): Promise<string[]> {
  const texts: string[] = [];
  for await (const { item } of thread.items({ sortDirection: "asc" })) {
    if (item.type === "agentMessage") texts.push(item.text);
  }
  return texts;
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

  test("keeps turns of handles out until the goal rests; each is its own", async () => {
    const thread = await codex.startThread();
    const hold = reply.hold();
    for (const text of ["First", "Second"]) {
      model.enqueueFor(asked(thread, text), reply.text(`${text}.`));
    }
    model.enqueueFor(
      thread.id,
      reply.text(["The goal's ", hold, "turn."]),
      reply.text("The goal's next turn."),
      reply.updateGoal("complete"),
      reply.text("The goal's last turn."),
    );
    const completed = goalIs(thread.id, "complete");
    await thread.goal.set({ objective: "Work" });
    await hold.reached;
    const turns = [thread.turn("First"), thread.turn("Second")];
    const refused = thread.run("Third", { whenBusy: "reject" });
    await expect(refused).rejects.toBeInstanceOf(ThreadBusyError);
    hold.release();
    const [first, second] = await Promise.all(turns.map((turn) => turn.run()));
    expect([first?.finalResponse, second?.finalResponse]).toEqual(["First.", "Second."]);
    for (const result of [first, second]) {
      expect(result?.items.map(({ type }) => type)).toEqual(["userMessage", "agentMessage"]);
    }
    await completed;
    expect(await answers(thread)).toEqual([
      "The goal's turn.",
      "The goal's next turn.",
      "The goal's last turn.",
      "First.",
      "Second.",
    ]);
  });

  test.each(["goal", "turn"])(
    "in the same moment as a turn of a handle, the %s first",
    async (first) => {
      const thread = await codex.startThread();
      model.enqueueFor(asked(thread, "Mine"), reply.text("Mine."));
      model.enqueueFor(thread.id, reply.updateGoal("complete"), reply.text("The goal's."));
      const completed = goalIs(thread.id, "complete");
      const before = first === "turn" ? thread.turn("Mine") : undefined;
      const set = thread.goal.set({ objective: "Work" });
      const turn = before ?? thread.turn("Mine");
      await set;
      const { items, finalResponse } = await turn.run();
      expect(finalResponse).toBe("Mine.");
      expect(items.map(({ type }) => type)).toEqual(["userMessage", "agentMessage"]);
      await completed;
      await thread.goal.clear();
    },
  );

  test("lets queued input go in between, and input that joins the goal's turn", async () => {
    const thread = await codex.startThread();
    const hold = reply.hold();
    const later = reply.hold();
    model.enqueueFor(asked(thread, "Queued"), reply.text("Queued."));
    model.enqueueFor(asked(thread, "Joining"), reply.text("Joined."));
    model.enqueueFor(
      thread.id,
      reply.text(["The goal's ", hold, "turn."]),
      reply.text(["The goal's ", later, "next turn."]),
      reply.updateGoal("complete"),
      reply.text("The goal's last turn."),
    );
    const completed = goalIs(thread.id, "complete");
    await thread.goal.set({ objective: "Work" });
    await hold.reached;
    await thread.queue.add("Queued");
    hold.release();
    await later.reached;
    expect((await answers(thread)).slice(0, 2)).toEqual(["The goal's turn.", "Queued."]);
    const joining = thread.turn("Joining", { whenBusy: "steer" });
    await joining.started;
    later.release();
    const { items } = await joining.run();
    expect(items).toContainEqual(
      expect.objectContaining({ type: "agentMessage", text: "Joined." }),
    );
    await completed;
  });

  test("lets a turn of a handle go on after an interrupted one, which sets the chain going again", async () => {
    const thread = await codex.startThread();
    const hold = reply.hold();
    model.enqueueFor(asked(thread, "Mine"), reply.text("Mine."));
    model.enqueueFor(
      thread.id,
      reply.text(["The goal's ", hold, "turn."]),
      reply.updateGoal("complete"),
      reply.text("The goal's last turn."),
    );
    const turns = thread.unsolicitedTurns();
    const first = turns.next();
    const completed = goalIs(thread.id, "complete");
    await thread.goal.set({ objective: "Work" });
    const goalTurn = (await first).value;
    await hold.reached;
    await goalTurn?.interrupt();
    const { items } = await thread.run("Mine");
    expect(items.map(({ type }) => type)).toEqual(["userMessage", "agentMessage"]);
    await completed;
    await turns.return?.();
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

test("in plan mode, where no turns follow, only the first message waits for one, until the mode is left", async () => {
  const thread = await codex.startThread();
  const settings = { model: "mock-model", reasoning_effort: null, developer_instructions: null };
  await thread.updateSettings({ collaborationMode: { mode: "plan", settings } });
  await thread.goal.set({ objective: "Reach it" });
  await thread.run("First");
  await thread.run("Second", { whenBusy: "reject" });
  await thread.run("Third", { whenBusy: "reject" });

  model.enqueueFor(
    thread.id,
    reply.text("Left."),
    reply.updateGoal("complete"),
    reply.text("Reached."),
    reply.text("Yours."),
  );
  const left = thread.run("Go", { collaborationMode: { mode: "default", settings } });
  const own = thread.run("Mine");
  expect((await left).finalResponse).toBe("Left.");
  expect((await own).finalResponse).toBe("Yours.");
  expect((await answers(thread)).slice(-3)).toEqual(["Left.", "Reached.", "Yours."]);
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
