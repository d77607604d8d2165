import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { InvalidArgumentError, type AppServerClient, type Codex } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { RealStage, rejection } from "../support/real.js";

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

/** Collects the commands of a thread that end from now on; resolves when there are that many. */
function commandsEnded(threadId: string, count: number): Promise<{ id: string; status: string }[]> {
  const ended: { id: string; status: string }[] = [];
  return new Promise((resolve) => {
    const stop = client.on("item/completed", ({ params }) => {
      if (params.threadId !== threadId || params.item.type !== "commandExecution") return;
      ended.push({ id: params.item.id, status: params.item.status });
      if (ended.length < count) return;
      stop();
      resolve(ended);
    });
  });
}

test("commands that go on in the background are listed, and killed one by one or all", async () => {
  const thread = await codex.startThread();
  expect(await thread.terminals.list().all()).toEqual([]);
  const background = (seconds: number) => reply.shell(`sleep ${seconds}`, { yieldTimeMs: 250 });
  model.enqueueFor(
    thread.id,
    [background(300), background(301), background(302)],
    reply.text("They run."),
  );
  const { items } = await thread.run("Start them");
  const running = items.filter((item) => item.type === "commandExecution");

  const listed = await thread.terminals.list({ limit: 2 }).all();
  expect(listed.map(({ command }) => command).sort()).toEqual([
    "sleep 300",
    "sleep 301",
    "sleep 302",
  ]);
  expect(new Set(listed.map(({ itemId }) => itemId))).toEqual(new Set(running.map(({ id }) => id)));
  const [first, ...others] = listed;
  const processId = first?.processId ?? "";

  const killed = commandsEnded(thread.id, 1);
  expect(await thread.terminals.terminate(processId)).toBe(true);
  expect(await killed).toEqual([{ id: first?.itemId, status: "failed" }]);
  expect(await thread.terminals.terminate(processId)).toBe(false);
  expect(await thread.terminals.list().all()).toEqual(others);

  const cleaned = commandsEnded(thread.id, 2);
  await thread.terminals.clean();
  const ids = (await cleaned).map(({ id }) => id);
  expect(new Set(ids)).toEqual(new Set(others.map(({ itemId }) => itemId)));
  expect(await thread.terminals.list().all()).toEqual([]);
});

test("a command outlives the interrupt of its turn, and is found by a handle of the same id", async () => {
  const thread = await codex.startThread();
  const hold = reply.hold();
  const command = reply.shell("sleep 303", { yieldTimeMs: 250 });
  model.enqueueFor(thread.id, command, reply.text(["It ", hold, "runs."]));
  const turn = thread.turn("Start it");
  await hold.reached;
  await turn.interrupt();
  await turn.run();
  hold.release();
  const { terminals } = codex.thread(thread.id);
  const [terminal] = await terminals.list().all();
  expect(terminal).toMatchObject({ command: "sleep 303", cwd: stage.project });
  const ended = commandsEnded(thread.id, 1);
  expect(await terminals.terminate(terminal?.processId ?? "")).toBe(true);
  await ended;
});

test("a thread that is not loaded has none, and is loaded to say so", async () => {
  const thread = await codex.startThread();
  await thread.run("Hi");
  await thread.archive();
  await thread.unarchive();
  expect(await thread.terminals.list().all()).toEqual([]);
  await thread.terminals.clean();
  expect(await thread.terminals.terminate("12345")).toBe(false);
  const error = await rejection(thread.terminals.terminate("not-digits"));
  expect(error).toBeInstanceOf(InvalidArgumentError);
});
