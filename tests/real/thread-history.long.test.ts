import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  InvalidRequestError,
  ThreadBusyError,
  ThreadNotFoundError,
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
  stage = await RealStage.open({ config: { thread_unload_delay_secs: 0 } });
  model = stage.model;
  codex = stage.codex();
  client = await codex.client();
});
afterAll(() => stage.close());

/** A thread that has run one turn for each input, and the ids of the turns. */
async function threadWith(...inputs: string[]): Promise<{ thread: Thread; ids: string[] }> {
  const thread = await codex.startThread();
  const ids: string[] = [];
  for (const input of inputs) ids.push((await thread.run(input)).id);
  return { thread, ids };
}

/** A turn that has begun and stands still until the hold is released. */
async function runningTurn(thread: Thread): Promise<{ turn: Turn; hold: HoldPart }> {
  const hold = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Run", hold, "ning."]));
  const turn = thread.turn("Running");
  await hold.reached;
  return { turn, hold };
}

/** Which of these texts the model was shown of a thread the last time, in their order. */
function lastSeen(thread: Thread): string[] {
  const request = model.requests.findLast(({ threadId }) => threadId === thread.id);
  const texts = JSON.stringify(request?.input).matchAll(/"text":"(One|Two|Three|Four|Injected)"/g);
  return [...texts].map(([, text = ""]) => text);
}

async function storedTurns(thread: Thread): Promise<string[]> {
  const turns = await thread.turns({ sortDirection: "asc" }).all();
  return turns.map(({ id }) => id);
}

const unknownThread = "019a0000-0000-7000-8000-000000000001";

describe("fork()", () => {
  test("copies the thread up to a turn, by a handle that was only bound to its id", async () => {
    const { thread, ids } = await threadWith("One", "Two");
    const fork = await codex.thread(thread.id).fork({ lastTurnId: ids[0] ?? "", model: "other" });
    expect(fork.opened).toMatchObject({ model: "other", thread: { forkedFromId: thread.id } });
    expect(await storedTurns(fork)).toHaveLength(1);
    await fork.run("Three");
    expect(lastSeen(fork)).toEqual(["One", "Three"]);
    expect(await storedTurns(thread)).toEqual(ids);
  });

  test("during a turn leaves it running here, and interrupted in the copy", async () => {
    const { thread } = await threadWith("One");
    const { turn, hold } = await runningTurn(thread);
    const fork = await thread.fork();
    const statuses = (await fork.turns().all()).map(({ status }) => status);
    expect(statuses).toEqual(["interrupted", "completed"]);
    hold.release();
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Running." });
  });
});

describe("revert()", () => {
  test("takes a turn and all after it out of the history, for the model too", async () => {
    const { thread, ids } = await threadWith("One", "Two", "Three");
    const reverted = next(client, "thread/reverted", ({ threadId }) => threadId === thread.id);
    expect(await thread.revert({ beforeTurnId: ids[1] ?? "" })).toMatchObject({ id: thread.id });
    await reverted;
    expect(await storedTurns(thread)).toEqual(ids.slice(0, 1));
    await thread.run("Four");
    expect(lastSeen(thread)).toEqual(["One", "Four"]);
  });

  test("interrupts the running turn, whose handle ends, and lets what waits run afterwards", async () => {
    const { thread, ids } = await threadWith("One", "Two");
    const { turn, hold } = await runningTurn(thread);
    const waiting = thread.turn("Four");
    const reverting = thread.revert({ beforeTurnId: ids[1] ?? "" });
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    await reverting;
    hold.release();
    expect(await waiting.run()).toMatchObject({ status: "completed" });
    expect(lastSeen(thread)).toEqual(["One", "Four"]);
    expect(await storedTurns(thread)).toEqual([ids[0], waiting.id]);
  });

  test("goes back to before the very turn that runs", async () => {
    const { thread, ids } = await threadWith("One");
    const { turn } = await runningTurn(thread);
    const { id } = await turn.started;
    await thread.revert({ beforeTurnId: id });
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    expect(await storedTurns(thread)).toEqual(ids);
  });

  test("works on a thread that is not loaded, and keeps its settings", async () => {
    const thread = await codex.startThread({ model: "other-model" });
    const { id } = await thread.run("One");
    await thread.archive();
    await thread.unarchive();
    await thread.revert({ beforeTurnId: id });
    await thread.run("Two");
    expect(lastSeen(thread)).toEqual(["Two"]);
    expect(model.requests.at(-1)?.model).toBe("other-model");
  });

  test("of a turn that is not there costs neither the running turn nor a new thread", async () => {
    const { thread } = await threadWith("One");
    const { turn, hold } = await runningTurn(thread);
    const error = await rejection(thread.revert({ beforeTurnId: unknownThread }));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    hold.release();
    expect(await turn.run()).toMatchObject({ status: "completed" });

    const fresh = await codex.startThread();
    const refused = await rejection(fresh.revert({ beforeTurnId: unknownThread }));
    expect(refused.message).toContain("before its first turn");
    await expect(fresh.run("One")).resolves.toMatchObject({ status: "completed" });
  });
});

describe("delete()", () => {
  test("removes the thread for good, loaded or not, stored or not", async () => {
    const { thread } = await threadWith("One");
    const { thread: archived } = await threadWith("One");
    await archived.archive();
    const fresh = await codex.startThread();
    for (const each of [thread, archived, fresh]) {
      const deleted = next(client, "thread/deleted", ({ threadId }) => threadId === each.id);
      await each.delete();
      await deleted;
      expect(await rejection(each.read())).toBeInstanceOf(ThreadNotFoundError);
      expect(await rejection(each.run("Two"))).toBeInstanceOf(ThreadNotFoundError);
    }
    expect(await rejection(codex.deleteThread(thread.id))).toBeInstanceOf(ThreadNotFoundError);
  });

  test("during a turn ends it as interrupted, and lets none of those that wait hang", async () => {
    const { thread } = await threadWith("One");
    const { turn, hold } = await runningTurn(thread);
    const waiting = thread.turn("Never");
    await codex.deleteThread(thread.id);
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    expect(await rejection(waiting.run())).toBeInstanceOf(ThreadNotFoundError);
    hold.release();
  });

  test("is refused while there is a fork; the thread then stays, and stays usable", async () => {
    const { thread } = await threadWith("One");
    const fork = await thread.fork();
    const error = await rejection(thread.delete());
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toContain("forked history still references it");
    await thread.injectItems([message("Injected")]);
    await thread.run("Two");
    expect(lastSeen(thread)).toEqual(["One", "Injected", "Two"]);
    await fork.delete();
    await thread.delete();
  });
});

describe("unsubscribe()", () => {
  test("lets the server unload the thread; the next turn loads it again", async () => {
    const { thread } = await threadWith("One");
    const closed = next(client, "thread/closed", ({ threadId }) => threadId === thread.id);
    expect(await codex.loadedThreads({ limit: 1 }).all()).toContain(thread.id);
    expect(await thread.unsubscribe()).toBe("unsubscribed");
    await closed;
    expect(await codex.loadedThreads().all()).not.toContain(thread.id);
    expect(await thread.unsubscribe()).toBe("notLoaded");
    await expect(thread.run("Two")).resolves.toMatchObject({ status: "completed" });
    expect(lastSeen(thread)).toEqual(["One", "Two"]);
  });

  test("is refused while a turn runs or waits, which then goes on undisturbed", async () => {
    const { thread } = await threadWith("One");
    const { turn, hold } = await runningTurn(thread);
    const waiting = codex.thread(thread.id).turn("Two");
    expect(await rejection(thread.unsubscribe())).toBeInstanceOf(ThreadBusyError);
    hold.release();
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Running." });
    expect(await waiting.run()).toMatchObject({ status: "completed" });
    expect(await thread.unsubscribe()).toBe("unsubscribed");
  });

  test("does not strand a turn that begins at the same moment", async () => {
    const { thread } = await threadWith("One");
    for (let round = 0; round < 5; round += 1) {
      const leaving = thread.unsubscribe();
      const turn = thread.turn("Two");
      await leaving;
      expect(await turn.run()).toMatchObject({ status: "completed" });
    }
  });
});

function message(text: string) {
  return { type: "message", role: "user", content: [{ type: "input_text", text }] };
}

describe("injectItems()", () => {
  test("shows items to the model in the next turn, without a turn of their own", async () => {
    const { thread, ids } = await threadWith("One");
    await thread.injectItems([message("Injected"), message("Two")]);
    expect(await storedTurns(thread)).toEqual(ids);
    await thread.run("Three");
    expect(lastSeen(thread)).toEqual(["One", "Injected", "Two", "Three"]);
  });

  test("works on a new thread, which is stored from then on, and on one not loaded", async () => {
    const thread = await codex.startThread();
    await thread.injectItems([message("Injected")]);
    await thread.archive();
    await thread.unarchive();
    await thread.injectItems([message("One")]);
    await thread.run("Two");
    expect(lastSeen(thread)).toEqual(["Injected", "One", "Two"]);
  });

  test("during a turn has the model asked again in it, so that it sees them", async () => {
    const { thread } = await threadWith("One");
    const { turn, hold } = await runningTurn(thread);
    model.enqueueFor(thread.id, reply.text("Seen."));
    await thread.injectItems([message("Injected")]);
    hold.release();
    const { status, items } = await turn.run();
    const answers = items.flatMap((item) => (item.type === "agentMessage" ? [item.text] : []));
    expect([status, answers]).toEqual(["completed", ["Running.", "Seen."]]);
    expect(lastSeen(thread)).toEqual(["One", "Injected"]);
  });

  test("is refused for what is no item, with its place in the list", async () => {
    const { thread } = await threadWith("One");
    const error = await rejection(thread.injectItems([message("Fine"), { text: "no type" }]));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toContain("items[1] is not a valid response item");
    const lost = await rejection(codex.thread(unknownThread).injectItems([message("One")]));
    expect(lost).toBeInstanceOf(ThreadNotFoundError);
  });
});
