import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Deferred } from "../../lib/async/deferred.js";
import {
  defer,
  defineTool,
  type AppServerClient,
  type ApprovalRequest,
  type Codex,
  type StartThreadOptions,
  type Thread,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { next, RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
let client: AppServerClient;

/** So that the machine may be slow, and the test need not be. */
const unsubscribeIdleMs = 300;

beforeAll(async () => {
  // The server unloads at once what nobody is subscribed to.
  stage = await RealStage.open({ config: { thread_unload_delay_secs: 0 } });
  model = stage.model;
  codex = stage.codex({ unsubscribeIdleMs });
  client = await codex.client();
});
afterAll(() => stage.close());

/** Resolves when the server has unloaded the thread, which it does when nobody is subscribed to it. */
async function unloaded({ id }: { readonly id: string }): Promise<void> {
  await next(client, "thread/closed", ({ threadId }) => threadId === id);
}

/** A thread with a turn, and what resolves when it is unloaded. */
async function usedThread(options: StartThreadOptions = {}) {
  const thread = await codex.startThread(options);
  const closed = unloaded(thread);
  model.enqueueFor(thread.id, reply.text("First."));
  await thread.run("Remember the word heliotrope.");
  return { thread, closed };
}

function requestsOf({ id }: Thread) {
  return model.requests.filter(({ threadId }) => threadId === id);
}

test("a thread that nobody uses is unloaded, and its next turn has all that it had", async () => {
  const asked: string[] = [];
  const onApproval = ({ type }: ApprovalRequest) => {
    asked.push(type);
    return "accept" as const;
  };
  const called: unknown[] = [];
  const weather = defineTool({
    name: "weather",
    description: "Tells the weather",
    input: { type: "object", properties: {} },
    execute: () => {
      called.push(1);
      return "Rain.";
    },
  });
  const settings = { sandbox: "read-only", approvalPolicy: "untrusted" } as const;
  const { thread, closed } = await usedThread({ ...settings, onApproval, tools: [weather] });
  await closed;
  expect(await codex.loadedThreads().all()).not.toContain(thread.id);

  const again = unloaded(thread);
  model.enqueueFor(
    thread.id,
    reply.functionCall("weather", {}),
    reply.shell("touch heliotrope.txt"),
    reply.text("Second."),
  );
  // Also by a handle that was made for it later.
  const result = await codex.thread(thread.id).run("Which word?");
  expect(result).toMatchObject({ status: "completed", finalResponse: "Second." });
  expect(called).toEqual([1]);
  expect(asked).toEqual(["command"]);
  const [, request] = requestsOf(thread);
  expect(JSON.stringify(request?.body)).toContain("heliotrope");
  expect(JSON.stringify(request?.body)).toContain("read-only");
  await again;
});

test("a request by hand on such a thread loads it, too, and its turn is heard of", async () => {
  const { thread, closed } = await usedThread();
  await closed;
  const ended = next(client, "turn/completed", ({ threadId }) => threadId === thread.id);
  const input = [{ type: "text" as const, text: "By hand", text_elements: [] }];
  const { turn } = await codex.rpc.turn.start({ threadId: thread.id, input });
  expect((await ended).turn).toMatchObject({ id: turn.id, status: "completed" });
});

test("threads on which something is alive stay, and so do those that could not be loaded again", async () => {
  const gate = reply.hold();
  const running = await codex.startThread();
  model.enqueueFor(running.id, reply.text(["Half ", gate, "done."]));
  const turn = running.turn("Begin");
  await gate.reached;

  const commanding = await codex.startThread();
  model.enqueueFor(
    commanding.id,
    reply.shell("sleep 300", { yieldTimeMs: 250 }),
    reply.text("It runs."),
  );
  await commanding.run("Start it");

  const queueing = await codex.startThread();
  const held = reply.hold();
  model.enqueueFor(queueing.id, reply.text(["Half ", held, "done."]));
  const before = queueing.turn("Begin");
  await held.reached;
  await queueing.queue.add("Later");
  await before.interrupt();

  const asking = new Deferred<void>();
  const asker = await codex.startThread({
    approvalPolicy: "untrusted",
    sandbox: "read-only",
    onApproval: () => {
      asking.resolve();
      return defer();
    },
  });
  model.enqueueFor(asker.id, reply.shell("touch it.txt"));
  const waiting = asker.turn("Ask");
  await asking.promise;

  const { thread: watched } = await usedThread();
  const watching = watched.unsolicitedTurns();
  void watching.next();
  const unstored = await codex.startThread();
  const { thread: ephemeral } = await usedThread({ ephemeral: true });

  // They have all been idle for longer than these two, of which the second was used last.
  const first = await usedThread();
  await first.closed;
  const second = await usedThread();
  await second.closed;
  const loaded = await codex.loadedThreads().all();
  const kept = { running, commanding, queueing, asker, watched, unstored, ephemeral };
  expect(Object.entries(kept).filter(([, { id }]) => !loaded.includes(id))).toEqual([]);

  // With what was alive, they go.
  const gone = [running, commanding, watched].map(unloaded);
  gate.release();
  await turn.run();
  await commanding.terminals.clean();
  await watching.return?.();
  await Promise.all(gone);
  await waiting.interrupt();
});

test("a sub-agent that works keeps the thread of its parent, and its own goes with that one", async () => {
  const parent = await codex.startThread();
  const closed = unloaded(parent);
  const gate = reply.hold();
  let childId = "";
  model.respond((request) => {
    if (request.parentThreadId === parent.id) {
      childId = request.threadId ?? "";
      return reply.text(["Still ", gate, "working."]);
    }
    if (request.threadId !== parent.id) return reply.text("First.");
    const isSpawned = request.toolOutputs.some(({ callId }) => callId !== "");
    return isSpawned ? reply.text("It works.") : reply.spawnAgent("Look into it.");
  });
  await parent.run("Ask somebody");
  await gate.reached;
  const control = await usedThread();
  await control.closed;
  expect(await codex.loadedThreads().all()).toEqual(expect.arrayContaining([parent.id, childId]));
  const childClosed = unloaded({ id: childId });
  gate.release();
  await Promise.all([closed, childClosed]);
  model.respond(undefined);
  expect(await parent.run("And now?")).toMatchObject({ status: "completed" });
});
