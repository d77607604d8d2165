import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  InvalidArgumentError,
  InvalidRequestError,
  ThreadBusyError,
  type AppServerClient,
  type Codex,
  type Thread,
  type Turn,
} from "../../lib/index.js";
import { reply, type HoldPart, type LoopbackModel } from "../../lib/testing/index.js";
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

/** What the user said in each request of a thread to the model. */
function said(thread: Thread): string[] {
  return model.requests
    .filter(({ threadId }) => threadId === thread.id)
    .map(({ lastUserText }) => lastUserText);
}

/** A turn that has begun and stands still until the hold is released. */
async function runningTurn(thread: Thread): Promise<{ turn: Turn; hold: HoldPart }> {
  const hold = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Run", hold, "ning."]));
  const turn = thread.turn("Running");
  await hold.reached;
  return { turn, hold };
}

/** The texts that are queued, in order. */
async function queued(thread: Thread): Promise<string[]> {
  const submissions = await thread.queue.list().all();
  return submissions.flatMap(({ input }) =>
    input.flatMap((item) => (item.type === "text" ? [item.text] : [])),
  );
}

/** Resolves when that many of the thread's turns have ended from now on. */
function turnsEnded(thread: Thread, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    const stop = client.on("turn/completed", ({ params }) => {
      if (params.threadId !== thread.id || (left -= 1) > 0) return;
      stop();
      resolve();
    });
  });
}

describe("queued input", () => {
  test("runs at once on an idle thread, and its turn is known by the client's message id", async () => {
    const thread = await codex.startThread();
    const turns = thread.unsolicitedTurns();
    const coming = turns.next();
    const submission = await thread.queue.add(["Two", "texts"], { clientUserMessageId: "mine-1" });
    expect(submission).toMatchObject({ clientUserMessageId: "mine-1", input: [{}, {}] });
    const { value: turn } = await coming;
    const result = await turn?.run();
    expect(result?.status).toBe("completed");
    expect(result?.items[0]).toMatchObject({ type: "userMessage", clientId: "mine-1" });
    expect(await queued(thread)).toEqual([]);
    await turns.return?.();
  });

  test("waits for the turn that runs, in its order, which can be changed", async () => {
    const thread = await codex.startThread();
    const { turn, hold } = await runningTurn(thread);
    const changes = next(client, "thread/queue/changed", ({ threadId }) => threadId === thread.id);
    const one = await thread.queue.add("One");
    const two = await thread.queue.add("Two");
    const three = await thread.queue.add("Three");
    await changes;
    expect(new Set([one, two, three].map((each) => each.clientUserMessageId)).size).toBe(3);
    expect(await queued(thread)).toEqual(["One", "Two", "Three"]);
    const pages = thread.queue.list({ limit: 2 });
    expect((await pages.page()).data).toHaveLength(2);
    expect(await pages.all()).toHaveLength(3);

    await thread.queue.reorder([three.id, two.id, one.id]);
    expect(await thread.queue.update(two.id, "Two, changed")).toMatchObject({
      id: two.id,
      clientUserMessageId: two.clientUserMessageId,
    });
    expect(await thread.queue.delete(one.id)).toBe(true);
    expect(await thread.queue.delete(one.id)).toBe(false);
    expect(await queued(thread)).toEqual(["Three", "Two, changed"]);

    const ended = turnsEnded(thread, 3);
    hold.release();
    expect(await turn.run()).toMatchObject({ finalResponse: "Running." });
    await ended;
    expect(said(thread)).toEqual(["Running", "Three", "Two, changed"]);
  });

  test("stands still after an interrupt, until it is started, from whichever place", async () => {
    const thread = await codex.startThread();
    const { turn } = await runningTurn(thread);
    await thread.queue.add("One");
    const two = await thread.queue.add("Two");
    await turn.interrupt();
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    await thread.queue.add("Three");
    expect(await queued(thread)).toEqual(["One", "Two", "Three"]);

    const ended = turnsEnded(thread, 3);
    const started = thread.queue.start({ queuedSubmissionId: two.id });
    const result = await started.run();
    expect(result).toMatchObject({ status: "completed" });
    expect(result.items[0]).toMatchObject({ clientId: two.clientUserMessageId });
    await ended;
    expect(said(thread)).toEqual(["Running", "Two", "One", "Three"]);
    expect(await queued(thread)).toEqual([]);
  });

  test("that stands still goes on after another turn that completes", async () => {
    const thread = await codex.startThread();
    const { turn } = await runningTurn(thread);
    await turn.interrupt();
    await turn.run();
    await thread.queue.add("Queued");
    const ended = turnsEnded(thread, 2);
    await thread.run("Between");
    await ended;
    expect(said(thread)).toEqual(["Running", "Between", "Queued"]);
  });

  test("is kept while the thread is not loaded, and goes on standing still when it is", async () => {
    const thread = await codex.startThread();
    const { turn } = await runningTurn(thread);
    await thread.queue.add("Later");
    await turn.interrupt();
    await turn.run();
    await thread.archive();
    await thread.unarchive();
    expect(await queued(thread)).toEqual(["Later"]);
    const again = await codex.resumeThread(thread.id);
    expect(await queued(again)).toEqual(["Later"]);
    expect(await again.queue.start().run()).toMatchObject({ status: "completed" });
    expect(said(thread)).toEqual(["Running", "Later"]);
  });

  test("can be neither of a kind that a turn would refuse, nor more than 100", async () => {
    const thread = await codex.startThread();
    const { turn } = await runningTurn(thread);
    const missing = path.join(stage.project, "missing.png");
    const error = await rejection(thread.queue.add([{ type: "localImage", path: missing }]));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    await Promise.all(Array.from({ length: 100 }, (_, index) => thread.queue.add(`${index}`)));
    const full = await rejection(thread.queue.add("One too many"));
    expect(full).toBeInstanceOf(InvalidRequestError);
    expect(full.message).toContain("cannot contain more than 100");
    await turn.interrupt();
    await turn.run();
    expect(await thread.queue.list({ limit: 30 }).all()).toHaveLength(100);
  });

  test("may name a local file, which is read when it is queued", async () => {
    const thread = await codex.startThread();
    const { turn, hold } = await runningTurn(thread);
    const directory = path.join(stage.project, "pictures");
    const picture = path.join(directory, "dot.png");
    await mkdir(directory);
    await writeFile(picture, Buffer.from(dot, "base64"));
    await thread.queue.add([{ type: "localImage", path: picture }, "Look"]);
    await rm(directory, { recursive: true });
    const ended = turnsEnded(thread, 2);
    hold.release();
    await turn.run();
    await ended;
    const request = model.requests.findLast(({ threadId }) => threadId === thread.id);
    expect(JSON.stringify(request?.input)).toContain("data:image/png;base64,");
  });
});

/** A picture of one pixel. */
const dot =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

describe("starting the queue", () => {
  test("fails in plain words when it is empty, or when a turn runs", async () => {
    const thread = await codex.startThread();
    const empty = await rejection(thread.queue.start().run());
    expect(empty).toBeInstanceOf(InvalidRequestError);
    expect(empty.message).toContain("queue is empty");
    const { turn, hold } = await runningTurn(thread);
    await thread.queue.add("Queued");
    expect(await rejection(thread.queue.start().run())).toBeInstanceOf(ThreadBusyError);
    const byHand = client.request("thread/queue/start", { threadId: thread.id });
    expect(await rejection(byHand)).toBeInstanceOf(ThreadBusyError);
    hold.release();
    await expect(turn.run()).resolves.toMatchObject({ status: "completed" });
    await expect(thread.run("Go on")).resolves.toMatchObject({ status: "completed" });
  });
});

/** Each turn of a handle must be its own: one message of the user, the one that it was given. */
async function expectOwn(turn: Turn, text: string): Promise<void> {
  const { items, status } = await turn.run();
  const messages = items.filter(({ type }) => type === "userMessage");
  expect([status, messages]).toMatchObject(["completed", [{ content: [{ text }] }]]);
}

describe("a handle's turn is never taken as part of a queued one", () => {
  test("when it comes right after the input was queued", async () => {
    const thread = await codex.startThread();
    for (let round = 0; round < 5; round += 1) {
      await thread.queue.add(`Queued ${round}`);
      await expectOwn(thread.turn(`Mine ${round}`), `Mine ${round}`);
    }
    expect(said(thread)).toEqual(
      [0, 1, 2, 3, 4].flatMap((round) => [`Queued ${round}`, `Mine ${round}`]),
    );
  });

  test("when it is begun before, beside or after a queued one, without waiting", async () => {
    const thread = await codex.startThread();
    const first = thread.turn("First");
    const adding = thread.queue.add("Queued");
    const second = thread.turn("Second");
    await Promise.all([expectOwn(first, "First"), expectOwn(second, "Second"), adding]);
    const byHand = client.request("thread/queue/add", {
      threadId: thread.id,
      clientUserMessageId: "by-hand",
      input: [{ type: "text", text: "Queued by hand", text_elements: [] }],
    });
    await Promise.all([expectOwn(thread.turn("Third"), "Third"), byHand]);
    expect(said(thread)[0]).toBe("First");
    expect([...said(thread)].sort()).toEqual(
      ["First", "Queued", "Queued by hand", "Second", "Third"].sort(),
    );
  });

  test("when it comes while the queue runs, or waits for a turn before it", async () => {
    const thread = await codex.startThread();
    const { turn, hold } = await runningTurn(thread);
    for (const text of ["Queued 1", "Queued 2", "Queued 3"]) await thread.queue.add(text);
    const waiting = thread.turn("Waiting");
    hold.release();
    await turn.run();
    const late = thread.turn("Late");
    await Promise.all([expectOwn(waiting, "Waiting"), expectOwn(late, "Late")]);
    const queue = ["Queued 1", "Queued 2", "Queued 3"];
    expect(said(thread)).toEqual(["Running", ...queue, "Waiting", "Late"]);
  });

  test("when it goes before a queue that an earlier process has left", async () => {
    const first = await stage.client();
    const { id } = await first.startThread();
    const hold = reply.hold();
    model.enqueueFor(id, reply.text(["Run", hold, "ning."]));
    const turn = first.thread(id).turn("Running");
    await hold.reached;
    await first.thread(id).queue.add("Left over");
    await turn.interrupt();
    await turn.run();
    await first.close();
    hold.release();

    const second = await stage.client();
    const thread = second.thread(id);
    const [one, two] = [thread.turn("One"), thread.turn("Two")];
    await Promise.all([expectOwn(one, "One"), expectOwn(two, "Two")]);
    expect(said(thread)).toEqual(["Running", "One", "Left over", "Two"]);
    await second.close();
  });

  test("and is refused at once with whenBusy: reject, but not any more when the queue is done", async () => {
    const thread = await codex.startThread();
    await thread.queue.add("Queued");
    const refused = await rejection(thread.run("Not now", { whenBusy: "reject" }));
    expect(refused).toBeInstanceOf(ThreadBusyError);
    await expectOwn(thread.turn("Mine"), "Mine");
    await expectOwn(thread.turn("At once", { whenBusy: "reject" }), "At once");
  });

  test("nor held up by a queue that stands still", async () => {
    const thread = await codex.startThread();
    const { turn } = await runningTurn(thread);
    await turn.interrupt();
    await turn.run();
    await thread.queue.add("Standing");
    await expectOwn(thread.turn("Mine", { whenBusy: "queue", timeoutMs: 30_000 }), "Mine");
    expect(said(thread).slice(0, 2)).toEqual(["Running", "Mine"]);
  });
});
