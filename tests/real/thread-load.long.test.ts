import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  ThreadBusyError,
  type Codex,
  type Thread,
  type Turn,
  type TurnResult,
} from "../../lib/index.js";
import {
  reply,
  type HoldPart,
  type LoopbackModel,
  type ModelRequest,
} from "../../lib/testing/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { nextOutage } from "../support/outage.js";
import { next, RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
});
beforeEach(() => {
  codex = stage.codex();
});
afterEach(() => codex.close());
afterAll(() => stage.close());

/** What the user said in each request of a thread to the model. */
function said(thread: { readonly id: string }): string[] {
  return model.requests
    .filter(({ threadId }) => threadId === thread.id)
    .map(({ lastUserText }) => lastUserText);
}

function userTexts({ items }: Pick<TurnResult, "items">): string[] {
  return items.flatMap((item) =>
    item.type === "userMessage"
      ? item.content.map((part) => (part.type === "text" ? part.text : part.type))
      : [],
  );
}

/** Each turn of a handle must be its own: one message of the user, the one that it was given. */
async function expectOwn(turn: Turn, text: string): Promise<void> {
  const result = await turn.run();
  expect([result.status, userTexts(result)]).toEqual(["completed", [text]]);
}

/** A turn that has begun, with these texts queued behind it. */
async function runningWithQueue(
  client: Pick<Codex, "startThread">,
  texts: readonly string[],
): Promise<{ thread: Thread; turn: Turn; hold: HoldPart }> {
  const thread = await client.startThread();
  const hold = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Run", hold, "ning."]));
  const turn = thread.turn("Running");
  await hold.reached;
  for (const text of texts) await thread.queue.add(text);
  return { thread, turn, hold };
}

/** Resolves when the client has noticed. */
async function killServer(): Promise<void> {
  const { closed } = await codex.client();
  for (const pid of await stage.processes()) process.kill(pid, "SIGKILL");
  await closed;
}

/** A thread whose server was killed while these texts were queued. */
async function leftBehind(...texts: string[]): Promise<Thread> {
  const { thread, hold } = await runningWithQueue(codex, texts);
  await killServer();
  hold.release();
  return thread;
}

const queue = ["Queued 1", "Queued 2", "Queued 3"];

describe("the queue of a thread whose server was killed begins when the thread is loaded, and a turn", () => {
  test.each([3, 1])("comes after all of it, of %i, as its own", async (count) => {
    const texts = queue.slice(0, count);
    const thread = await leftBehind(...texts);
    const unsolicited = thread.unsolicitedTurns();
    const turns = [thread.turn("Next"), thread.turn("Last")];
    await expectOwn(turns[0] as Turn, "Next");
    await expectOwn(turns[1] as Turn, "Last");
    for (const text of texts) {
      const { value: turn } = await unsolicited.next();
      await expectOwn(turn as Turn, text);
    }
    await unsolicited.return?.();
    expect(said(thread)).toEqual(["Running", ...texts, "Next", "Last"]);
  });

  test("comes after it however the thread was loaded: by hand, or by a plain request", async () => {
    const threads = [await leftBehind(...queue), await leftBehind(...queue)] as const;
    const client = await codex.client();
    const resumed = await codex.resumeThread(threads[0].id);
    await client.request("thread/resume", { threadId: threads[1].id });
    await Promise.all([
      expectOwn(resumed.turn("Next"), "Next"),
      expectOwn(threads[1].turn("Next"), "Next"),
    ]);
    for (const thread of threads) expect(said(thread)).toEqual(["Running", ...queue, "Next"]);
  });

  test('is refused with whenBusy: "reject" until the queue is done', async () => {
    const thread = await leftBehind(...queue);
    const refused = await rejection(thread.run("Not now", { whenBusy: "reject" }));
    expect(refused).toBeInstanceOf(ThreadBusyError);
    await expectOwn(thread.turn("Next"), "Next");
    await expectOwn(thread.turn("At once", { whenBusy: "reject" }), "At once");
    expect(said(thread)).toEqual(["Running", ...queue, "Next", "At once"]);
  });

  test('joins its first turn, once that has begun, with whenBusy: "steer"', async () => {
    const thread = await leftBehind("Queued 1");
    const hold = reply.hold();
    model.enqueueFor(thread.id, reply.text(["Queued ", hold, "one."]), reply.text("Both."));
    const steering = thread.turn("Steer", { whenBusy: "steer" });
    await steering.started;
    await hold.reached;
    hold.release();
    expect((await steering.run()).status).toBe("completed");
    // What came before it joined is in the store only.
    const stored = await thread.turns({ sortDirection: "asc", itemsView: "full" }).all();
    expect(stored.map((turn) => userTexts(turn)).at(-1)).toEqual(["Queued 1", "Steer"]);
  });

  test("does not cut it short, where the turn is a compaction", async () => {
    const thread = await leftBehind(...queue);
    await expect(thread.compact().run()).resolves.toMatchObject({ status: "completed" });
    const stored = await thread.turns({ sortDirection: "asc", itemsView: "summary" }).all();
    expect(stored.slice(1, 4).map(({ status }) => status)).toEqual(
      queue.map(() => "completed" as const),
    );
  });

  // Such a client is not told what is queued: it waits a moment whether something begins (unit/session/load-watch),
  // and on a busy machine that may be later.
  test("comes after what has begun, on a client without experimental methods", async () => {
    const thread = await leftBehind("Queued 1");
    const plain = stage.codex({ experimentalApi: false });
    const isOwn = ({ threadId }: { readonly threadId: string }) => threadId === thread.id;
    const begun = next(await plain.client(), "turn/started", isOwn);
    const resumed = await plain.resumeThread(thread.id);
    await begun;
    await expectOwn(resumed.turn("Next"), "Next");
    expect(said(thread)).toEqual(["Running", "Queued 1", "Next"]);
    await plain.close();
  });

  test("comes after it when another client loads the thread at the same moment", async () => {
    const thread = await leftBehind(...queue);
    await using server = await ListeningServer.start(stage);
    const [one, other] = [await server.connect(), await server.connect()];
    await Promise.all([
      other.request("thread/resume", { threadId: thread.id }),
      expectOwn(one.thread(thread.id).turn("Next"), "Next"),
    ]);
    expect(said(thread)).toEqual(["Running", ...queue, "Next"]);
  });

  test("comes after it when the server behind a socket was replaced", async () => {
    await using server = await ListeningServer.start(stage);
    const client = await server.connect({ reconnect: { minDelayMs: 10, maxDelayMs: 100 } });
    const { thread, turn, hold } = await runningWithQueue(client, queue);
    const waiting = thread.turn("Waiting");
    const { restored } = nextOutage(client);
    await server.kill();
    hold.release();
    await server.restart();
    await restored;
    const next = thread.turn("Next");
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    await expectOwn(waiting, "Waiting");
    await expectOwn(next, "Next");
    expect(said(thread)).toEqual(["Running", ...queue, "Waiting", "Next"]);
  });
});

test("a goal that is active when the thread is loaded begins first, and a turn is its own", async () => {
  const thread = await codex.startThread();
  const hold = reply.hold();
  model.enqueueFor(thread.id, reply.text(["The goal's ", hold, "turn."]));
  await thread.goal.set({ objective: "Work" });
  await hold.reached;
  await killServer();
  hold.release();
  // Between the turns of the goal or after them, as the server is quick to begin the next one.
  const isNext = (request: ModelRequest): boolean =>
    request.threadId === thread.id && request.lastUserText === "Next";
  model.enqueueFor(isNext, reply.text("Next."));
  model.enqueueFor(thread.id, reply.text("The goal's."), reply.updateGoal("complete"));
  const result = await thread.run("Next");
  expect(userTexts(result)).toEqual(["Next"]);
  expect(result.finalResponse).toBe("Next.");
  expect(said(thread).indexOf("Next")).toBeGreaterThanOrEqual(2);
});

describe("nothing is waited for", () => {
  test("on a thread whose queue stands still since its turn was interrupted", async () => {
    const { thread, turn } = await runningWithQueue(codex, ["Standing"]);
    await turn.interrupt();
    await turn.run();
    await killServer();
    await expectOwn(thread.turn("Next", { whenBusy: "reject" }), "Next");
    expect(said(thread).slice(0, 2)).toEqual(["Running", "Next"]);
  });

  test("on a copy of a thread, which has neither its queue nor its goal", async () => {
    const thread = await leftBehind("Queued 1");
    const copy = await codex.forkThread(thread.id);
    await expectOwn(copy.turn("Next", { whenBusy: "reject" }), "Next");
    expect(said(thread)).toEqual(["Running"]);
  });
});
