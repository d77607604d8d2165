import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { ThreadBusyError, type AppServerClient, type Codex } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { png } from "../support/images.js";
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

/** What the user said in each request of a thread to the model, without those of summaries. */
function said(threadId: string): string[] {
  return model.requests
    .filter((request) => request.threadId === threadId && request.kind === "turn")
    .map(({ lastUserText }) => lastUserText);
}

describe("turns of one thread", () => {
  test("run in the order of their calls, from whichever handle, each with its own result", async () => {
    const thread = await codex.startThread();
    const other = codex.thread(thread.id);
    const file = path.join(stage.project, "slow-to-check.png");
    await writeFile(file, png);
    model.respond(({ lastUserText }) => reply.text(`You said ${lastUserText}`));
    const turns = [
      // Its file is looked at first, which must not cost it its place.
      thread.turn([{ type: "localImage", path: file }, "1"]),
      other.turn("2"),
      thread.turn("3"),
      other.turn("4"),
    ];
    const results = await Promise.all(turns.map((turn) => turn.run()));
    model.respond(undefined);
    expect(said(thread.id).map((text) => text.at(-1))).toEqual(["1", "2", "3", "4"]);
    expect(results.map(({ finalResponse }) => finalResponse?.at(-1))).toEqual(["1", "2", "3", "4"]);
    expect(new Set(results.map(({ id }) => id)).size).toBe(4);
    for (const { items } of results) {
      expect(items.filter(({ type }) => type === "userMessage")).toHaveLength(1);
    }
  });

  test("wait for a turn that was started by hand", async () => {
    const thread = await codex.startThread();
    const threadId = thread.id;
    const gate = reply.hold();
    model.enqueueFor(threadId, reply.text(["By ", gate, "hand."]), reply.text("Mine."));
    const input = [{ type: "text" as const, text: "By hand", text_elements: [] }];
    const completed = next(client, "turn/completed", (params) => params.threadId === threadId);
    const { turn } = await client.request("turn/start", { threadId, input });
    const mine = thread.turn("Mine");
    await gate.reached;
    expect(mine.id).toBeUndefined();
    gate.release();
    expect((await completed).turn.id).toBe(turn.id);
    expect(await mine.run()).toMatchObject({ finalResponse: "Mine." });
    expect(mine.id).not.toBe(turn.id);
  });

  test('are refused on a busy thread with whenBusy: "reject"', async () => {
    const thread = await codex.startThread();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text(["One ", gate, "turn."]));
    const running = thread.turn("Talk");
    await gate.reached;
    const error = await rejection(thread.run("Not now", { whenBusy: "reject" }));
    expect(error).toBeInstanceOf(ThreadBusyError);
    expect(error.message).toContain('choose whenBusy: "queue" or "steer"');
    gate.release();
    await running.run();
    await thread.run("Now", { whenBusy: "reject" });
    expect(said(thread.id)).toEqual(["Talk", "Now"]);
  });

  test('become one, knowingly, with whenBusy: "steer"', async () => {
    const thread = await codex.startThread();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text(["One ", gate, "turn."]), reply.text("Both."));
    const running = thread.turn("First");
    await gate.reached;
    const steering = thread.turn("Second", { whenBusy: "steer" });
    await steering.started;
    gate.release(); // Older servers let the message end.
    const [first, second] = await Promise.all([running.run(), steering.run()]);
    expect(second.id).toBe(first.id);
    expect(second).toEqual(first);
    expect(first.finalResponse).toBe("Both.");
    expect(said(thread.id)).toEqual(["First", "Second"]);
  });
});

describe("a compaction", () => {
  test("makes the turns that come after it wait for its end", async () => {
    const thread = await codex.startThread();
    await thread.run("Talk");
    for (let round = 0; round < 3; round += 1) {
      const compaction = thread.compact();
      await expect(thread.run("Go on")).resolves.toMatchObject({ status: "completed" });
      await expect(compaction.run()).resolves.toMatchObject({ status: "completed" });
    }
    const kinds = model.requests
      .filter(({ threadId }) => threadId === thread.id)
      .map(({ kind }) => kind);
    const round = ["compaction", "turn"];
    expect(kinds).toEqual(["turn", ...round, ...round, ...round]);
  });

  test("waits for the turn that runs, instead of ending it", async () => {
    const thread = await codex.startThread();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text(["Not ", gate, "cut."]));
    const turn = thread.turn("Talk");
    await gate.reached;
    const compacting = thread.compact();
    const after = thread.turn("After");
    gate.release();
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Not cut." });
    expect(await compacting.run()).toMatchObject({ status: "completed" });
    expect(await after.run()).toMatchObject({ status: "completed" });
  });

  test("that runs makes turns fail that must not wait", async () => {
    const thread = await codex.startThread();
    await thread.run("Talk");
    const gate = reply.hold();
    model.enqueueFor(thread.id, [gate, reply.text("A summary.")]);
    const compacting = thread.compact();
    await compacting.started;
    for (const whenBusy of ["reject", "steer"] as const) {
      const error = await rejection(thread.run("Not now", { whenBusy }));
      expect(error).toBeInstanceOf(ThreadBusyError);
    }
    gate.release();
    await expect(thread.run("Now")).resolves.toMatchObject({ status: "completed" });
    await expect(compacting.run()).resolves.toMatchObject({ status: "completed" });
  });

  test("of a thread that cannot be resumed rejects, and blocks nothing", async () => {
    const id = "019a0000-0000-7000-8000-000000000001";
    for (let round = 0; round < 2; round += 1) {
      await expect(codex.thread(id).compact().run()).rejects.toMatchObject({
        code: "THREAD_NOT_FOUND",
      });
    }
    await expect(codex.thread(id).run("Hi")).rejects.toMatchObject({ code: "THREAD_NOT_FOUND" });
  });
});

test("a review makes the turns that come after it wait for its end", async () => {
  const thread = await codex.startThread();
  await thread.run("Talk");
  const gate = reply.hold();
  model.enqueueFor(
    ({ subagent, parentThreadId }) => subagent === "review" && parentThreadId === thread.id,
    [gate, reply.text("Nothing to complain about.")],
  );
  const completed = next(client, "turn/completed", ({ threadId }) => threadId === thread.id);
  const { turn } = await client.request("review/start", {
    threadId: thread.id,
    target: { type: "custom", instructions: "Look" },
  });
  const queued = thread.turn("Go on");
  await gate.reached;
  const error = await rejection(thread.run("Not now", { whenBusy: "reject" }));
  expect(error).toBeInstanceOf(ThreadBusyError);
  gate.release();
  expect((await completed).turn.id).toBe(turn.id);
  expect(await queued.run()).toMatchObject({ status: "completed" });
});

test("a shell command of the user makes the turns that come after it wait for its end", async () => {
  const thread = await codex.startThread();
  const completed = next(client, "turn/completed", ({ threadId }) => threadId === thread.id);
  await client.request("thread/shellCommand", { threadId: thread.id, command: "echo hi" });
  const result = await thread.run("Go on");
  expect((await completed).turn.id).not.toBe(result.id);
  expect(result.items.map(({ type }) => type)).toEqual(["userMessage", "agentMessage"]);
});
