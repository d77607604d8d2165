import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  InvalidRequestError,
  ThreadNotFoundError,
  type AppServerClient,
  type Codex,
  type Thread,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { testWhere } from "../support/offers.js";
import { next, RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open({ config: { thread_unload_delay_secs: 0 } });
  model = stage.model;
  codex = stage.codex();
  client = await codex.client();
});
afterAll(() => stage.close());

/** A thread that has run one turn for each input. */
async function threadWith(...inputs: string[]): Promise<Thread> {
  const thread = await codex.startThread();
  for (const input of inputs) await thread.run(input);
  return thread;
}

/** Everything that the model was shown of a thread the last time. */
function lastConversation(threadId: string): string {
  const request = model.requests.findLast((asked) => asked.threadId === threadId);
  return JSON.stringify(request?.input);
}

describe("a stored thread", () => {
  test("is resumed with other settings, without its history unless asked for", async () => {
    const thread = await threadWith("One", "Two");
    const bare = await codex.resumeThread(thread.id);
    expect(bare.id).toBe(thread.id);
    expect(bare.opened?.thread.turns).toEqual([]);
    const whole = await codex.resumeThread(thread.id, { excludeTurns: false });
    expect(whole.opened?.thread.turns).toHaveLength(2);
    await expect(bare.run("Three")).resolves.toMatchObject({ status: "completed" });
  });

  test("takes the changes also while it is loaded, and only after its running turn", async () => {
    const thread = await threadWith("One");
    const hold = reply.hold();
    model.enqueueFor(thread.id, reply.text(["Work", hold, "ing"]));
    const running = thread.turn("Two");
    await hold.reached;
    const resuming = codex.resumeThread(thread.id, { sandbox: "read-only", model: "other-model" });
    hold.release();
    expect((await running.run()).finalResponse).toBe("Working");
    const { opened } = await resuming;
    expect(opened).toMatchObject({ sandbox: { type: "readOnly" }, model: "other-model" });
    await expect(thread.run("Three")).resolves.toMatchObject({ status: "completed" });
    const last = model.requests.findLast((asked) => asked.threadId === thread.id);
    expect(last?.model).toBe("other-model");
  });

  test("stays as it is when it cannot be loaded again, for want of a turn", async () => {
    const thread = await codex.startThread();
    const refused = codex.resumeThread(thread.id, { sandbox: "read-only" });
    await expect(refused).rejects.toBeInstanceOf(ThreadNotFoundError);
    await expect(thread.run("One")).resolves.toMatchObject({ status: "completed" });
  });

  test("is forked, whole or up to a turn, and the copies go their own ways", async () => {
    const thread = await threadWith("One", "Two");
    const [last, first] = await thread.turns().all();
    expect(last?.id).not.toBe(first?.id);
    const whole = await codex.forkThread(thread.id);
    const short = await codex.forkThread(thread.id, { lastTurnId: first?.id ?? "" });
    expect(new Set([thread.id, whole.id, short.id]).size).toBe(3);
    expect(whole.opened?.thread.turns).toEqual([]);
    await Promise.all([thread, whole, short].map((each) => each.run(`For ${each.id}`)));
    expect(lastConversation(whole.id)).toMatch(/One.*Two/);
    expect(lastConversation(short.id)).toContain("One");
    expect(lastConversation(short.id)).not.toContain("Two");
    expect(lastConversation(thread.id)).not.toContain(`For ${whole.id}`);
  });

  test("is read with its name", async () => {
    const thread = await threadWith("Hi");
    const renamed = next(client, "thread/name/updated", ({ threadId }) => threadId === thread.id);
    await thread.setName("Grüße 🙂");
    expect(await renamed).toMatchObject({ threadName: "Grüße 🙂" });
    expect(await thread.read()).toMatchObject({
      id: thread.id,
      name: "Grüße 🙂",
      preview: "Hi",
      cwd: stage.project,
    });
  });

  test("gives its turns and items in pages, in either direction", async () => {
    const inputs = ["1", "2", "3", "4", "5"];
    const thread = await threadWith(...inputs);
    const newestFirst = await thread.turns({ limit: 2 }).all();
    const oldestFirst = await thread.turns({ limit: 2, sortDirection: "asc" }).all();
    expect(newestFirst).toHaveLength(5);
    expect(newestFirst.map(({ id }) => id)).toEqual(oldestFirst.map(({ id }) => id).reverse());

    const items = thread.items({ limit: 3, sortDirection: "asc" });
    const said: string[] = [];
    for await (const { turnId, item } of items) {
      expect(oldestFirst.map(({ id }) => id)).toContain(turnId);
      if (item.type !== "userMessage") continue;
      said.push(item.content.map((part) => (part.type === "text" ? part.text : "")).join(""));
    }
    expect(said).toEqual(inputs);

    const page = await items.page();
    expect(page.data).toHaveLength(3);
    const second = await items.page(page.nextCursor ?? "");
    expect(second.data).toHaveLength(3);
    expect(second.data[0]).not.toEqual(page.data[0]);
  });

  test("has the items that its turns reported, under the same ids", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(thread.id, reply.shell("echo hi"), reply.text("Done."));
    const { id, items } = await thread.run("Run");
    const stored = await thread.items({ turnId: id, sortDirection: "asc" }).all();
    expect(stored.map(({ item }) => [item.type, item.id])).toEqual(
      items.map((item) => [item.type, item.id]),
    );
  });
});

const sandboxTest = await testWhere("a sandbox that stays with the thread", async (other) => {
  const elsewhere = other.codex();
  const thread = await elsewhere.startThread({ sandbox: "read-only" });
  await thread.run("Hi");
  await thread.archive();
  await thread.unarchive();
  const { opened } = await elsewhere.resumeThread(thread.id);
  return opened?.sandbox.type === "readOnly";
});

describe("a thread that is not loaded is loaded by its next turn", () => {
  test("after it was archived and taken back", async () => {
    const thread = await threadWith("Before");
    await codex.archiveThread(thread.id);
    const error = await rejection(thread.run("While archived"));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toContain("is archived");
    const back = await codex.unarchiveThread(thread.id);
    await expect(back.run("After")).resolves.toMatchObject({ status: "completed" });
    await thread.archive();
    await thread.unarchive();
    await expect(thread.run("Again")).resolves.toMatchObject({ status: "completed" });
    expect(lastConversation(thread.id)).toMatch(/Before.*After.*Again/);
  });

  sandboxTest("with the settings that it had", async () => {
    const thread = await codex.startThread({ sandbox: "read-only", approvalPolicy: "untrusted" });
    await thread.run("Before", { model: "other-model" });
    await thread.archive();
    await thread.unarchive();
    await thread.run("After");
    const { opened } = await codex.resumeThread(thread.id);
    expect(opened).toMatchObject({
      model: "other-model",
      approvalPolicy: "untrusted",
      sandbox: { type: "readOnly" },
    });
  });

  test("after its subscription was given up, also while it ran a turn", async () => {
    const thread = await codex.startThread();
    const { id: threadId } = thread;
    const gate = reply.hold();
    model.enqueueFor(threadId, reply.text(["Not ", gate, "heard."]), reply.text("Heard."));
    const input = [{ type: "text" as const, text: "Talk", text_elements: [] }];
    await client.request("turn/start", { threadId, input });
    await gate.reached;
    await client.request("thread/unsubscribe", { threadId });
    const resumed = next(client, "thread/goal/cleared", (params) => params.threadId === threadId);
    const turn = thread.turn("Go on");
    await resumed;
    expect(turn.id).toBeUndefined();
    gate.release();
    expect(await turn.run()).toMatchObject({ finalResponse: "Heard." });
  });

  test("after the server has unloaded it", async () => {
    const thread = await threadWith("Before");
    const { id: threadId } = thread;
    const closed = next(client, "thread/closed", (params) => params.threadId === threadId);
    await client.request("thread/unsubscribe", { threadId });
    await closed;
    await expect(thread.run("After")).resolves.toMatchObject({ status: "completed" });
    expect(lastConversation(threadId)).toMatch(/Before.*After/);
  });
});

test("a handle made by its id in a new process finds the thread, and its turns", async () => {
  const first = await stage.client();
  const { id } = await first.startThread();
  await first.thread(id).run("Remember this");
  await first.close();

  const second = await stage.client();
  const thread = second.thread(id);
  expect((await thread.turns().all()).map(({ status }) => status)).toEqual(["completed"]);
  const [one, two] = [thread.turn("Go on"), second.thread(id).turn("And on")];
  expect([(await one.run()).status, (await two.run()).status]).toEqual(["completed", "completed"]);
  expect(lastConversation(id)).toMatch(/Remember this.*Go on.*And on/);
  await second.close();
});

test("archiving a thread ends its running turn as interrupted, and frees what waits for it", async () => {
  const thread = await codex.startThread();
  const gate = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Half ", gate, "of it"]));
  const running = thread.turn("Talk");
  const waiting = thread.turn("Never sent");
  await gate.reached;
  await thread.archive();
  expect(await running.run()).toMatchObject({ status: "interrupted" });
  expect((await rejection(waiting.run())).message).toContain("is archived");
});

const pagesTest = await testWhere("pages of threads that lose none", async (other) => {
  const elsewhere = other.codex();
  const made: string[] = [];
  // More than one of them falls into the same second, by which older servers part their pages.
  for (let count = 0; count < 6; count += 1) {
    const thread = await elsewhere.startThread();
    await thread.setName(`Thread ${count}`);
    made.push(thread.id);
  }
  const listed = await elsewhere.listThreads({ limit: 1 }).all();
  return made.every((id) => listed.some((each) => each.id === id));
});

pagesTest("all threads and all models are listed over all pages", async () => {
  const made = await Promise.all([threadWith("a"), threadWith("b"), threadWith("c")]);
  const ids = (await codex.listThreads({ limit: 2 }).all()).map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining(made.map(({ id }) => id)));
  expect(new Set(ids).size).toBe(ids.length);
  const firstPage = await codex.listThreads({ limit: 2 }).page();
  expect(firstPage.data).toHaveLength(2);
  expect(firstPage.nextCursor).not.toBeNull();

  const models = await codex.models({ limit: 2 }).all();
  expect(models.length).toBeGreaterThan(2);
  expect(new Set(models.map(({ id }) => id)).size).toBe(models.length);
});

const includedTest = await testWhere("ThreadListParams.includedThreadIds");

includedTest(
  "only the threads that are named are listed, in pages, and of no names nothing",
  async () => {
    const [one, two] = await Promise.all([threadWith("a"), threadWith("b"), threadWith("c")]);
    const idsOf = async (ids: string[]) => {
      const listed = await codex.listThreads({ includedThreadIds: ids, limit: 1 }).all();
      return listed.map(({ id }) => id).toSorted();
    };
    expect(await idsOf([one.id, two.id])).toEqual([one.id, two.id].toSorted());
    expect(await idsOf([randomUUID()])).toEqual([]);
    expect(await idsOf([])).toEqual([]);
  },
);
