import { expect, test } from "@jest/globals";
import { collect, settled } from "../../support/collect.js";
import { linkedThread } from "../../support/linked-server.js";
import {
  textMessages,
  turnCompleted,
  turnMessages,
  turnStarted,
  type Message,
} from "../../support/turn-messages.js";

const parent = { threadId: "thread-1", turnId: "turn-1" };
const child = { threadId: "child-1", turnId: "child-turn" };
const grandchild = { threadId: "grandchild-1", turnId: "grandchild-turn" };

function spawn(
  by: { threadId: string; turnId: string },
  stage: "started" | "completed",
  receiverThreadIds: unknown,
): Message {
  const item = {
    type: "collabAgentToolCall",
    id: `spawn-by-${by.threadId}`,
    tool: "spawnAgent",
    status: stage === "started" ? "inProgress" : "completed",
    senderThreadId: by.threadId,
    receiverThreadIds,
    prompt: "Look",
    model: null,
    reasoningEffort: null,
    agentsStates: {},
  };
  return { method: `item/${stage}`, params: { ...by, item } };
}

test("a sub-agent that begins before its name is known loses nothing", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Delegate");
  await turn.started;
  server.send(
    turnStarted(parent),
    spawn(parent, "started", []),
    turnStarted(child),
    spawn(parent, "completed", [child.threadId]),
    ...textMessages({ ...child, text: "Found it" }),
    turnCompleted(child),
    turnCompleted(parent),
  );
  const events = await collect(turn.stream({ subagents: true }));
  const methods = events.filter(({ origin }) => origin.depth === 1).map(({ method }) => method);
  expect(methods).toEqual([
    "turn/started",
    "item/started",
    "item/agentMessage/delta",
    "item/agentMessage/delta",
    "item/completed",
    "turn/completed",
  ]);
  expect(turn.subagents()).toMatchObject([
    { ...{ threadId: "child-1" }, parentThreadId: "thread-1", prompt: "Look", depth: 1 },
  ]);
});

test("what sub-agents start is found, too, and says whose it is", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Delegate");
  await turn.started;
  server.send(
    turnStarted(parent),
    spawn(parent, "completed", [child.threadId]),
    turnStarted(child),
    spawn(child, "completed", [grandchild.threadId]),
    ...turnMessages({ ...grandchild, text: "Deep down" }),
    turnCompleted(child),
    turnCompleted(parent),
  );
  const events = await collect(turn.stream({ subagents: true }));
  const origins = events.map(({ origin }) => [origin.threadId, origin.parentThreadId]);
  expect(origins).toContainEqual(["grandchild-1", "child-1"]);
  expect(turn.subagents().map(({ depth }) => depth)).toEqual([1, 2]);
});

test("a plain stream that is taken late has none of the sub-agents' events", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Delegate");
  await turn.started;
  server.send(
    turnStarted(parent),
    spawn(parent, "completed", [child.threadId]),
    ...turnMessages({ ...child, text: "Found it" }),
    turnCompleted(parent),
  );
  await settled();
  const events = await collect(turn);
  expect(events.map(({ method }) => method)).toEqual([
    "turn/started",
    "item/completed",
    "turn/completed",
  ]);
});

test("what a server makes of the names need not make sense", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Delegate");
  await turn.started;
  server.send(
    spawn(parent, "completed", null),
    {
      method: "item/completed",
      params: {
        ...parent,
        item: { type: "collabAgentToolCall", id: "s", receiverThreadIds: ["child-0"] },
      },
    },
    spawn(parent, "completed", [7, null, "child-1"]),
    {
      method: "item/completed",
      params: { ...parent, item: { type: "subAgentActivity", id: "s" } },
    },
    turnCompleted(parent),
  );
  await expect(turn.run()).resolves.toMatchObject({ status: "completed" });
  expect(turn.subagents().map(({ threadId }) => threadId)).toEqual(["child-0", "child-1"]);
});

test("a sub-agent that speaks to those it works for does not become their parent", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Delegate");
  await turn.started;
  server.send(
    turnStarted(parent),
    spawn(parent, "completed", [child.threadId]),
    turnStarted(child),
    spawn(child, "completed", [grandchild.threadId]),
    turnStarted(grandchild),
    spawn(grandchild, "completed", [parent.threadId, child.threadId, grandchild.threadId]),
    turnCompleted(grandchild),
    turnCompleted(child),
    turnCompleted(parent),
  );
  await turn.run();
  expect(turn.subagents().map(({ threadId, depth }) => [threadId, depth])).toEqual([
    [child.threadId, 1],
    [grandchild.threadId, 2],
  ]);
});

test("leaving an iteration that was never read still interrupts the turn", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/interrupt", () => {
    server.send(turnCompleted(parent, { status: "interrupted" }));
    return {};
  });
  const turn = thread.turn("Delegate");
  await turn.started;
  server.send(turnStarted(parent));
  await turn.stream({ subagents: true }).return?.();
  expect(turn.state.status).toBe("interrupted");
});
