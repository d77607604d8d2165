import { expect, test } from "@jest/globals";
import { collect, settled } from "../../support/collect.js";
import { turnCompleted, turnMessages, turnStarted } from "../../support/turn-messages.js";
import { goalThread, threadId } from "./goal-server.js";

const child = { threadId: "child-1", turnId: "child-turn" };

/** A goal of two turns; a sub-agent of the first still works when that has ended. */
async function delegated() {
  const pair = await goalThread();
  const { goals, server, thread } = pair;
  const goal = thread.runGoal("Reach it");
  const play = async (): Promise<void> => {
    await goal.started;
    goals.start("turn-1");
    const item = {
      type: "collabAgentToolCall",
      id: "spawn-1",
      tool: "spawnAgent",
      receiverThreadIds: [child.threadId],
      prompt: "Look",
      agentsStates: {},
    };
    server.notify("item/completed", { threadId, turnId: "turn-1", item });
    server.send(turnStarted(child));
    server.notify("warning", { threadId, message: "The disk is full." });
    goals.end();
    server.send(turnCompleted(child));
    goals.start("turn-2");
    server.send(...turnMessages({ ...child, turnId: "child-turn-2", text: "Found it" }));
    goals.updated({ status: "complete" });
    goals.end();
  };
  return { ...pair, goal, play };
}

test("the sub-agents of all turns come in between when asked, each event with its origin", async () => {
  await using pair = await delegated();
  const { client, goal, play } = pair;
  const events = collect(goal.stream({ subagents: true }));
  await play();
  const origins = (await events).map(({ method, origin }) => [method, origin.depth, origin.turnId]);
  expect(origins).toEqual([
    ["thread/goal/updated", 0, ""],
    ["turn/started", 0, "turn-1"],
    ["item/completed", 0, "turn-1"],
    ["turn/started", 1, "child-turn"],
    // It names no turn.
    ["warning", 0, "turn-1"],
    ["turn/completed", 0, "turn-1"],
    ["turn/completed", 1, "child-turn"],
    ["turn/started", 0, "turn-2"],
    ["turn/started", 1, "child-turn-2"],
    ["item/started", 1, "child-turn-2"],
    ["item/agentMessage/delta", 1, "child-turn-2"],
    ["item/agentMessage/delta", 1, "child-turn-2"],
    ["item/completed", 1, "child-turn-2"],
    ["turn/completed", 1, "child-turn-2"],
    ["thread/goal/updated", 0, "turn-2"],
    ["turn/completed", 0, "turn-2"],
  ]);
  expect(goal.subagents()).toMatchObject([
    {
      threadId: "child-1",
      parentThreadId: threadId,
      prompt: "Look",
      depth: 1,
      turns: [{ status: "completed" }, { status: "completed" }],
    },
  ]);
  expect((await goal.run()).turns.map(({ id }) => id)).toEqual(["turn-1", "turn-2"]);
  expect(client.session.turns.size).toBe(0);
});

test("a plain stream, also one that is taken late, has none of their events", async () => {
  await using pair = await delegated();
  const { goal, play } = pair;
  await play();
  await settled();
  const events = await collect(goal);
  for (const { params } of events) expect(params).toMatchObject({ threadId });
  expect(() => goal.stream({ subagents: true })).toThrow("one consumer");
});

test("a goal that ends while a sub-agent works leaves nothing behind", async () => {
  await using pair = await delegated();
  const { client, goal, goals, server } = pair;
  await goal.started;
  goals.start("turn-1");
  const item = { type: "subAgentActivity", id: "a", agentThreadId: child.threadId };
  server.notify("item/completed", { threadId, turnId: "turn-1", item });
  server.send(turnStarted(child));
  await settled();
  await goal.interrupt();
  expect(goal.subagents()).toMatchObject([{ turns: [{ status: "inProgress" }] }]);
  expect(client.session.turns.size).toBe(0);
});

test("what a turn has not started by its end is not waited for in the next ones", async () => {
  await using pair = await delegated();
  const { goal, goals, server } = pair;
  await goal.started;
  const call = { type: "collabAgentToolCall", tool: "spawnAgent", agentsStates: {} };
  const spawning = { ...call, id: "spawn-1", receiverThreadIds: [] };
  goals.start("turn-1");
  server.notify("item/started", { threadId, turnId: "turn-1", item: spawning });
  goals.end();
  // Of a thread that nobody has named yet, and nobody waits for any more.
  server.send(turnStarted(child));
  goals.start("turn-2");
  const named = { ...call, id: "spawn-2", receiverThreadIds: [child.threadId] };
  server.notify("item/completed", { threadId, turnId: "turn-2", item: named });
  goals.updated({ status: "complete" });
  goals.end();
  await goal.run();
  expect(goal.subagents()).toMatchObject([{ threadId: "child-1", turns: [] }]);
});
