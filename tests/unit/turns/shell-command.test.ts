import { describe, expect, test } from "@jest/globals";
import type { Thread } from "../../../lib/thread.js";
import type { Turn } from "../../../lib/turn.js";
import { rejection, settled } from "../../support/collect.js";
import { linkedThread } from "../../support/linked-server.js";
import {
  textMessages,
  turnCompleted,
  turnMessages,
  turnStarted,
  type Message,
  type Params,
} from "../../support/turn-messages.js";
import { Asking, methods, requests } from "../server-requests/asking.js";

const ids = { threadId: "thread-1", turnId: "turn-9" };
const words = textMessages({ ...ids, text: "Goal work." });

function command(fields: Params): Params {
  const kind = { type: "commandExecution", id: "command-1", source: "userShell" };
  return { ...kind, command: "echo hi", exitCode: null, durationMs: null, ...fields };
}

const begun: Message = {
  method: "item/started",
  params: { ...ids, item: command({ status: "inProgress" }) },
};

function done(fields: Params = {}): Message {
  const item = command({ status: "completed", exitCode: 0, durationMs: 40, ...fields });
  return { method: "item/completed", params: { ...ids, item } };
}

/** A thread whose shell command has been sent, and everything else that watches it. */
async function started() {
  const pair = await linkedThread();
  const turn = pair.thread.shellCommand("echo hi");
  await pair.server.nextRequest("thread/shellCommand");
  return { ...pair, turn };
}

describe("a shell command that is a turn by itself", () => {
  test("ends with its turn", async () => {
    await using pair = await started();
    const { server, turn } = pair;
    server.send(turnStarted(ids), begun, done(), turnCompleted(ids));
    const result = await turn.run();
    expect(result).toMatchObject({ id: "turn-9", status: "completed", durationMs: 1_000 });
    expect(result.items).toMatchObject([{ id: "command-1", exitCode: 0 }]);
    expect(pair.client.session.turns.size).toBe(0);
  });

  test("is interrupted with its turn", async () => {
    await using pair = await started();
    const { server, turn } = pair;
    server.handle("turn/interrupt", () => {
      const aborted = done({ status: "failed", exitCode: -1 });
      server.send(aborted, turnCompleted(ids, { status: "interrupted" }));
      return {};
    });
    server.send(turnStarted(ids), begun);
    await settled();
    await turn.interrupt();
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
  });
});

test("a shell command whose turn ends before it has an item ends with that turn", async () => {
  await using pair = await started();
  const { client, server, turn } = pair;
  server.send(turnStarted(ids), turnCompleted(ids, { status: "interrupted" }));
  expect(await turn.run()).toMatchObject({ id: "turn-9", status: "interrupted", items: [] });
  expect(client.session.turns.size).toBe(0);
  expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
});

test("a shell command is not taken for another turn that has ended with items", async () => {
  await using pair = await started();
  const { server, turn } = pair;
  server.send(...turnMessages({ ...ids, turnId: "goal-1", text: "Work" }));
  server.send(turnStarted(ids), begun, done(), turnCompleted(ids));
  expect(await turn.run()).toMatchObject({ id: "turn-9", status: "completed" });
});

test("a shell command that another client's turn takes in ends with that turn, whose requests it leaves to others", async () => {
  await using pair = await linkedThread();
  const { client, server, thread } = pair;
  const turn = thread.shellCommand("echo hi", { onApproval: "accept" });
  await server.nextRequest("thread/shellCommand");
  const [message, ...rest] = words as [Message, ...Message[]];
  server.send(turnStarted(ids), message, begun);
  await turn.started;
  const asked = { ...requests.command, ...ids };
  const answer = await new Asking(server).answer(methods.command, asked);
  expect(answer).toEqual({ result: { decision: "decline" } });
  server.send(...rest, done(), turnCompleted(ids));
  expect(await turn.run()).toMatchObject({ id: "turn-9", status: "completed" });
  expect(client.session.turns.size).toBe(0);
});

describe("while a goal is active", () => {
  const goal = (status: string): Message => ({
    method: "thread/goal/updated",
    params: { threadId: "thread-1", goal: { status } },
  });

  test.each<[string, (thread: Thread) => Turn]>([
    ["thread/shellCommand", (thread) => thread.shellCommand("echo hi")],
    ["thread/compact/start", (thread) => thread.compact()],
  ])(
    "%s waits for the next turn of the goal, and is sent when the goal is at rest",
    async (method, start) => {
      await using pair = await linkedThread();
      const { server, thread } = pair;
      const one = { ...ids, turnId: "goal-1" };
      const two = { ...ids, turnId: "goal-2" };
      server.send(goal("active"), turnStarted(one));
      await settled();
      const turn = start(thread);
      server.send(turnCompleted(one));
      await settled();
      server.send(turnStarted(two));
      await settled();
      expect(server.paramsOf(method)).toEqual([]);
      server.send(goal("complete"), turnCompleted(two));
      await server.nextRequest(method);
      server.send(turnStarted(ids), turnCompleted(ids));
      expect(await turn.run()).toMatchObject({ id: "turn-9" });
    },
  );

  test("is refused between two turns of the goal when it must not wait", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.send(goal("active"), turnStarted(ids), turnCompleted(ids));
    await settled();
    const turn = thread.shellCommand("echo hi", { whenBusy: "reject" });
    expect(await rejection(turn.run())).toMatchObject({ code: "THREAD_BUSY", sent: false });
    expect(server.paramsOf("thread/shellCommand")).toEqual([]);
  });
});
