import { expect, test } from "@jest/globals";
import { collect, rejection, settled } from "../../../support/collect.js";
import { linked, linkedThread } from "../../../support/linked-server.js";
import { storeTurns } from "../../../support/stored-turns.js";
import {
  agentMessage,
  opened,
  textMessages,
  turnCompleted,
  turnMessages,
  turnRecord,
  turnStarted,
} from "../../../support/turn-messages.js";
import { goalThread } from "../../goals/goal-server.js";

const threadId = "thread-1";
const turn = (count: number) => ({ threadId, turnId: `foreign-${count}` });

test("each turn that somebody else starts comes with all of its events", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turns = thread.unsolicitedTurns();
  await settled();
  for (const count of [1, 2]) server.turn({ ...turn(count), text: "Hello there" });
  for (const count of [1, 2]) {
    const { value } = await turns.next();
    expect(value?.id).toBe(`foreign-${count}`);
    const script = { ...turn(count), text: "Hello there" };
    expect(value && (await collect(value))).toEqual(turnMessages(script));
  }
  await turns.return?.();
  expect(pair.client.session.turns.size).toBe(0);
});

test("the turns of a goal that a handle runs are that handle's; those behind it come", async () => {
  await using pair = await goalThread();
  const { goals, server, thread } = pair;
  const turns = thread.unsolicitedTurns();
  await settled();
  const goal = thread.runGoal("Reach it");
  await goal.started;
  goals.start("turn-1");
  goals.updated({ status: "complete" });
  goals.end();
  expect(await goal.run()).toMatchObject({ status: "complete", turns: [{ id: "turn-1" }] });
  server.turn({ ...turn(1), text: "Hello there" });
  expect((await turns.next()).value?.id).toBe("foreign-1");
  await turns.return?.();
});

test("a turn that runs already when the thread is loaded comes, with what has completed of it", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("thread/resume", () => opened(threadId, { type: "active", activeFlags: [] }));
  const ids = turn(1);
  const item = agentMessage("msg-0", "Before");
  storeTurns(server, {
    turns: [turnRecord(ids.turnId, { startedAt: 1_767_225_600 })],
    items: [{ turnId: ids.turnId, item }],
  });
  const turns = client.thread(threadId).unsolicitedTurns();
  const { value: running } = await turns.next();
  const events = running && collect(running);
  server.send(...textMessages({ ...ids, text: "After" }), turnCompleted(ids));
  expect((await events)?.map(({ method }) => method)).toEqual([
    "turn/started",
    "connection/gap",
    "item/completed",
    "item/started",
    "item/agentMessage/delta",
    "item/completed",
    "turn/completed",
  ]);
  expect(await running?.run()).toMatchObject({
    id: "foreign-1",
    startedAt: 1_767_225_600,
    items: [{ text: "Before" }, { text: "After" }],
  });
  await turns.return?.();
  expect(client.session.turns.size).toBe(0);
});

test("a thread that is loaded and at rest is not asked for a turn", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const turns = client.thread(threadId).unsolicitedTurns();
  await server.nextRequest("thread/resume");
  await settled();
  server.turn({ ...turn(1), text: "Hello there" });
  expect((await turns.next()).value?.id).toBe("foreign-1");
  expect(server.paramsOf("thread/turns/list")).toEqual([]);
  await turns.return?.();
});

test("a hundred may wait to be taken; when one more comes, the iteration is over", async () => {
  await using pair = await linkedThread();
  const { client, server, thread } = pair;
  const turns = thread.unsolicitedTurns();
  await settled();
  for (let count = 0; count < 100; count += 1) {
    server.send(turnStarted(turn(count)), turnCompleted(turn(count)));
  }
  await settled();
  expect((await turns.next()).value?.id).toBe("foreign-0");
  for (const count of [100, 101]) {
    server.send(turnStarted(turn(count)), turnCompleted(turn(count)));
  }
  await settled();
  expect(client.session.turns.size).toBe(0);
  const error = await rejection(turns.next());
  expect(error).toMatchObject({ code: "SLOW_CONSUMER" });
  expect((error as Error).message).toContain("More than 100 turns");
  expect(await collect(turns)).toEqual([]);
});
