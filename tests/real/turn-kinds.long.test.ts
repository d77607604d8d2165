import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  ThreadBusyError,
  TurnDetachedError,
  TurnFailedError,
  type Codex,
  type Thread,
  type Turn,
  type TurnEvent,
} from "../../lib/index.js";
import { reply, type LoopbackModel, type RequestMatch } from "../../lib/testing/index.js";
import { collect } from "../support/collect.js";
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

async function talked(): Promise<Thread> {
  const thread = await codex.startThread();
  await thread.run("Hi");
  return thread;
}

function reviewOf(thread: Thread): RequestMatch {
  return ({ subagent, parentThreadId }) => subagent === "review" && parentThreadId === thread.id;
}

/** The ids of the turn that the events carry. */
function idsIn(events: readonly TurnEvent[]): Set<unknown> {
  // A warning names its thread only.
  const ofTurns = events.filter(({ method }) => method !== "warning");
  return new Set(
    ofTurns.map(({ params }) => {
      const { turnId, turn } = params as { turnId?: string; turn?: { id: string } };
      return turnId ?? turn?.id;
    }),
  );
}

const custom = { type: "custom", instructions: "Look at everything." } as const;

describe("a review", () => {
  test("streams its events, all under one id, and ends with the review as its response", async () => {
    const thread = await talked();
    model.enqueueFor(reviewOf(thread), reply.text("Nothing to complain about."));
    const turn = thread.review(custom);
    const events = await collect(turn);
    const result = await turn.run();
    expect(result).toMatchObject({ status: "completed", threadId: thread.id, id: turn.id });
    expect(result.finalResponse).toContain("Nothing to complain about.");
    expect(result.items.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["enteredReviewMode", "exitedReviewMode", "agentMessage"]),
    );
    expect(result.startedAt).toEqual(expect.any(Number));
    expect(idsIn(events)).toEqual(new Set([result.id]));
    const methods = events.map(({ method }) => method);
    expect(methods.filter((method) => method === "turn/started")).toHaveLength(1);
    expect(methods.at(-1)).toBe("turn/completed");
    await expect(thread.run("Go on")).resolves.toMatchObject({ status: "completed" });
  });

  test.each(["at once", "when it asks the model"])("is interrupted %s", async (when) => {
    const thread = await talked();
    const gate = reply.hold();
    model.enqueueFor(reviewOf(thread), [gate, reply.text("Too late.")]);
    const turn = thread.review(custom);
    if (when !== "at once") await gate.reached;
    await turn.interrupt();
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    gate.release();
    await expect(thread.run("Go on")).resolves.toMatchObject({ status: "completed" });
  });

  test("cannot be steered, and goes on when somebody tries", async () => {
    const thread = await talked();
    const gate = reply.hold();
    model.enqueueFor(reviewOf(thread), [gate, reply.text("All fine.")]);
    const turn = thread.review(custom);
    await gate.reached;
    expect(await rejection(turn.steer("Faster"))).toMatchObject({ method: "turn/steer" });
    gate.release();
    expect(await turn.run()).toMatchObject({ status: "completed" });
  });

  test("waits for the turn that runs, unless it must not", async () => {
    const thread = await codex.startThread();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text(["One ", gate, "moment."]));
    const running = thread.turn("Talk");
    await gate.reached;
    const refused = await rejection(thread.review(custom, { whenBusy: "reject" }).run());
    expect(refused).toBeInstanceOf(ThreadBusyError);
    const review = thread.review(custom);
    const after = thread.turn("After");
    gate.release();
    expect(await running.run()).toMatchObject({ finalResponse: "One moment." });
    expect(await review.run()).toMatchObject({ status: "completed" });
    expect(await after.run()).toMatchObject({ status: "completed" });
  });
});

describe("a compaction", () => {
  test("is a turn with one item, its own id and its own usage", async () => {
    const thread = await talked();
    const turn = thread.compact();
    const events = await collect(turn);
    const result = await turn.run();
    expect(result).toMatchObject({ status: "completed", finalResponse: null });
    expect(result.items.map(({ type }) => type)).toEqual(["contextCompaction"]);
    expect(result.usage?.turn.totalTokens).toBeGreaterThan(0);
    expect(idsIn(events)).toEqual(new Set([result.id]));
    expect([events[0]?.method, events.at(-1)?.method]).toEqual(["turn/started", "turn/completed"]);
  });

  test("fails like any turn when the model fails", async () => {
    const thread = await talked();
    model.enqueueFor(thread.id, reply.failed("server_error", "no summary today"));
    const error = await rejection(thread.compact().run());
    expect(error).toBeInstanceOf(TurnFailedError);
    await expect(thread.run("Go on")).resolves.toMatchObject({ status: "completed" });
  });

  test("is interrupted while the model works on it", async () => {
    const thread = await talked();
    const gate = reply.hold();
    model.enqueueFor(thread.id, [gate, reply.text("A summary.")]);
    const turn = thread.compact();
    await gate.reached;
    await turn.interrupt();
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    gate.release();
  });

  test("works on a thread that has run nothing yet", async () => {
    const thread = await codex.startThread();
    expect(await thread.compact().run()).toMatchObject({ status: "completed" });
  });
});

describe("a shell command", () => {
  test("is a turn with the command as its item, and the model sees it afterwards", async () => {
    const thread = await talked();
    const result = await thread.shellCommand("echo from the shell").run();
    expect(result).toMatchObject({ status: "completed", finalResponse: null });
    const [item] = result.items;
    expect(item).toMatchObject({ type: "commandExecution", source: "userShell", exitCode: 0 });
    expect(JSON.stringify(item)).toContain("from the shell");
    await thread.run("What did it print?");
    const last = model.requests.findLast(({ threadId }) => threadId === thread.id);
    expect(JSON.stringify(last?.input)).toContain("from the shell");
  });

  test("that fails completes its turn: the exit code tells", async () => {
    const thread = await talked();
    const result = await thread.shellCommand("exit 3").run();
    expect(result.status).toBe("completed");
    expect(result.items).toMatchObject([{ type: "commandExecution", exitCode: 3 }]);
  });

  test("is stopped by an interrupt", async () => {
    const thread = await talked();
    const turn = thread.shellCommand("echo begun; sleep 600");
    for await (const event of turn) if (event.method === "item/started") break;
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    await expect(thread.run("Go on")).resolves.toMatchObject({ status: "completed" });
  });
});

test.each<[string, string, (thread: Thread) => Turn]>([
  ["a shell command", "commandExecution", (thread) => thread.shellCommand("echo hi")],
  ["a compaction", "contextCompaction", (thread) => thread.compact()],
])("%s runs behind all turns of an active goal, and is no part of one", async (_, type, start) => {
  const thread = await talked();
  const gate = reply.hold();
  model.enqueueFor(thread.id, [gate, reply.text("Work.")], reply.updateGoal("complete"));
  const turns = thread.unsolicitedTurns();
  // It comes right behind the goal, whose first turn the server has begun by then.
  await thread.goal.set({ objective: "Reach it" });
  const turn = start(thread);
  await gate.reached;
  gate.release();
  const ofGoal = [await taken(turns), await taken(turns)];
  const result = await turn.run();
  expect(result).toMatchObject({ status: "completed", finalResponse: null });
  expect(result.items.map((item) => item.type)).toEqual([type]);
  for (const one of ofGoal) {
    expect(one.id).not.toBe(turn.id);
    expect(await one.run()).toMatchObject({ status: "completed" });
  }
  await turns.return?.();
});

describe("turns that no handle has asked for", () => {
  test("arrive whole: those of a request made by hand, of the queue, and a review", async () => {
    const thread = await talked();
    const client = await codex.client();
    const turns = thread.unsolicitedTurns();
    const threadId = thread.id;
    const input = [{ type: "text" as const, text: "By hand", text_elements: [] }];
    await client.request("turn/start", { threadId, input });
    const byHand = await taken(turns);
    expect((await collect(byHand)).map(({ method }) => method)).toEqual(
      expect.arrayContaining(["turn/started", "item/completed", "turn/completed"]),
    );
    expect(await byHand.run()).toMatchObject({ status: "completed", threadId });

    await client.request("thread/queue/add", { threadId, input, clientUserMessageId: "one" });
    expect(await (await taken(turns)).run()).toMatchObject({ status: "completed" });

    model.enqueueFor(reviewOf(thread), reply.text("Fine."));
    const { turn } = await client.request("review/start", { threadId, target: custom });
    const review = await taken(turns);
    const events = await collect(review);
    expect(idsIn(events)).toEqual(new Set([turn.id]));
    expect((await review.run()).finalResponse).toContain("Fine.");
    await turns.return?.();
  });

  test("do not include those of handles, and end with the signal", async () => {
    const thread = await talked();
    const stop = new AbortController();
    const turns = thread.unsolicitedTurns({ signal: stop.signal });
    const next = turns.next();
    await thread.run("Ours");
    await thread.compact().run();
    await thread.shellCommand("true").run();
    model.enqueueFor(thread.id, reply.text("Nearly."), reply.updateGoal("complete"));
    const { status, turns: ours } = await thread.runGoal("Ours as well").run();
    expect([status, ours.length]).toEqual(["complete", 2]);
    const reason = new Error("enough");
    stop.abort(reason);
    expect(await rejection(next)).toBe(reason);
  });

  test("run on when their loop is left, and stop when they are told to", async () => {
    const thread = await talked();
    const client = await codex.client();
    const turns = thread.unsolicitedTurns();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text(["Slow ", gate, "words."]));
    const input = [{ type: "text" as const, text: "Talk", text_elements: [] }];
    await client.request("turn/start", { threadId: thread.id, input });
    const turn = await taken(turns);
    for await (const event of turn) if (event.method === "item/agentMessage/delta") break;
    expect(turn.state.status).toBe("inProgress");
    await turn.interrupt();
    gate.release();
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    await turns.return?.();
  });

  test("include one that runs already when the thread is loaded", async () => {
    const thread = await talked();
    const client = await codex.client();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.shell("echo before"), reply.text(["Half ", gate, "said."]));
    const input = [{ type: "text" as const, text: "Talk", text_elements: [] }];
    const { turn } = await client.request("turn/start", { threadId: thread.id, input });
    await gate.reached;
    await client.request("thread/unsubscribe", { threadId: thread.id });
    const turns = thread.unsolicitedTurns();
    const running = await taken(turns);
    const events = collect(running);
    gate.release();
    expect((await events).map(({ method }) => method)).toContain("connection/gap");
    const { items, ...result } = await running.run();
    expect(result).toMatchObject({ id: turn.id, status: "completed", finalResponse: "Half said." });
    expect(items.map(({ type }) => type)).toEqual([
      "userMessage",
      "commandExecution",
      "agentMessage",
    ]);
    await turns.return?.();
  });

  test("end with the client", async () => {
    const own = stage.codex();
    const thread = await own.startThread();
    const turns = thread.unsolicitedTurns();
    const next = turns.next();
    await own.close();
    expect(await next).toEqual({ value: undefined, done: true });
  });
});

test("a turn whose thread is unsubscribed by hand ends with an error that says so", async () => {
  const thread = await codex.startThread();
  const client = await codex.client();
  const gate = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Half ", gate, "said."]));
  const turn = thread.turn("Talk");
  await gate.reached;
  await client.request("thread/unsubscribe", { threadId: thread.id });
  expect(await rejection(turn.run())).toBeInstanceOf(TurnDetachedError);
  gate.release();
  await expect(thread.run("Go on")).resolves.toMatchObject({ status: "completed" });
});

async function taken(turns: AsyncIterator<Turn, undefined>): Promise<Turn> {
  const { value } = await turns.next();
  if (!value) throw new Error("there are no more turns");
  return value;
}
