import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Codex, TurnEvent } from "../../lib/index.js";
import { reply, type LoopbackModel, type ModelRequest } from "../../lib/testing/index.js";
import { next, RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

test("20 threads with two turns each at the same time do not get mixed up", async () => {
  model.respond(({ lastUserText }) => reply.text(["You ", "said ", lastUserText]));
  const threads = await Promise.all(Array.from({ length: 20 }, () => codex.startThread()));
  const conversations = threads.map(async (thread, index) => {
    const said = [`${index}: one`, `${index}: two`] as const;
    const turns = said.map((text) => thread.turn(text));
    const heard = turns.map(async (turn) => {
      const events: TurnEvent[] = [];
      for await (const event of turn) events.push(event);
      return { turn, events, result: await turn.run() };
    });
    for (const [at, { turn, events, result }] of (await Promise.all(heard)).entries()) {
      expect(result.finalResponse).toBe(`You said ${said[at]}`);
      expect(result.items[0]).toMatchObject({ content: [{ text: said[at] }] });
      // A warning names its thread only.
      const ofTurn = events.filter(({ method }) => method !== "warning");
      const ids = ofTurn.map(({ params }) =>
        "turn" in params ? params.turn.id : "turnId" in params && params.turnId,
      );
      expect(new Set(ids)).toEqual(new Set([turn.id]));
      expect(events.filter(({ method }) => method === "item/agentMessage/delta")).toHaveLength(3);
    }
  });
  await Promise.all(conversations);
  model.respond(undefined);
  const turnIds = model.requests.map(({ turnId }) => turnId);
  expect(new Set(turnIds).size).toBe(40);
});

test("what a sub-agent does is not in the stream or the result of its parent", async () => {
  const thread = await codex.startThread();
  const client = await codex.client();
  const isChild = (request: ModelRequest) => request.parentThreadId === thread.id;
  model.enqueueFor(isChild, reply.shell("echo child"), reply.text("From the child."));
  model.enqueueFor(thread.id, reply.spawnAgent("Find it", { callId: "spawn" }));
  model.enqueueFor(
    ({ threadId, toolOutputs }) => threadId === thread.id && toolOutputs.length === 1,
    reply.functionCall("wait_agent", "{}", { namespace: "multi_agent_v1" }),
  );
  // The child's own turn is seen on the connection, under its own thread.
  const childCompleted = next(client, "turn/completed", ({ threadId }) => threadId !== thread.id);
  const turn = thread.turn("Delegate");
  const events: TurnEvent[] = [];
  for await (const event of turn) events.push(event);
  const child = await childCompleted;
  const result = await turn.run();

  expect(child.turn.status).toBe("completed");
  expect(new Set(events.map(({ params }) => params.threadId))).toEqual(new Set([thread.id]));
  expect(result.status).toBe("completed");
  expect(result.items.some(({ type }) => type === "commandExecution")).toBe(false);
  expect(JSON.stringify(result.items)).not.toContain("From the child.");
  const spawned = result.items.find((item) => item.type === "collabAgentToolCall");
  expect(spawned?.receiverThreadIds).toEqual([child.threadId]);

  const childItems = await codex.thread(child.threadId).items({ sortDirection: "asc" }).all();
  expect(childItems.map(({ item }) => item.type)).toContain("commandExecution");
});
