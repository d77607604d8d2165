import { expect, test } from "@jest/globals";
import { HarnessAsks } from "../../../lib/ai/harness/harness-asks.js";
import type { HarnessPermissions } from "../../../lib/ai/harness/harness-permissions.js";
import { HarnessTurn } from "../../../lib/ai/harness/harness-turn.js";
import { HarnessTurns } from "../../../lib/ai/harness/harness-turns.js";
import type { HarnessStreamPart } from "../../../lib/ai/harness/harness-types.js";
import { linkedThread } from "../../support/linked-server.js";
import { rejection } from "../../support/real.js";
import { turnCompleted, turnStarted } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const all = { mode: "allow-all", has: () => true } as unknown as HarnessPermissions;

test("a call that is over before its host is told of it is neither told nor waited for", async () => {
  await using pair = await linkedThread();
  const turn = pair.thread.turn("Add");
  const harnessTurn = new HarnessTurn({
    turn,
    asks: new HarnessAsks(all, [{ name: "add" }]),
    holdsText: false,
    answerTimeoutMs: 60_000,
    show: { show: { toolArguments: true } },
  });
  const parts: HarnessStreamPart[] = [];
  const { done } = harnessTurn.attach({ emit: (part) => parts.push(part) });
  await turn.started;
  const call = { type: "dynamicToolCall", id: "call", tool: "add", arguments: { a: 1 } };
  const item = { ...call, namespace: null, status: "inProgress", contentItems: null };
  pair.server.send(
    turnStarted(ids),
    { method: "item/started", params: { ...ids, item } },
    { method: "item/completed", params: { ...ids, item: { ...item, status: "failed" } } },
    turnCompleted(ids, { status: "interrupted" }),
  );
  await done;
  expect(parts.map(({ type }) => type)).toEqual(["stream-start", "finish"]);
});

test("a turn is forgotten when its host has read how it ended", async () => {
  await using pair = await linkedThread();
  const turns = new HarnessTurns();
  const turn = pair.thread.turn("Say it");
  const harnessTurn = new HarnessTurn({
    turn,
    asks: new HarnessAsks(all),
    holdsText: false,
    answerTimeoutMs: 60_000,
    show: {},
  });
  turns.add(harnessTurn);
  const parts: HarnessStreamPart[] = [];
  const { done } = harnessTurn.attach({ emit: (part) => parts.push(part) });
  await turn.started;
  expect(turns.find(ids.threadId, turn.id)).toBe(harnessTurn);
  pair.server.send(turnStarted(ids), turnCompleted(ids));
  await done;
  expect(turns.find(ids.threadId, turn.id)).toBe(harnessTurn);
  expect(parts.map(({ type }) => type)).toEqual(["stream-start", "finish"]);
  await harnessTurn.over;
  const context = { ...ids, callId: "call", signal: new AbortController().signal };
  expect(await rejection(turns.call("add", context))).toMatchObject({
    message: "No host is there that could carry it out.",
  });
});

test("a turn that cannot be told any further is interrupted: nobody would answer what it asks", async () => {
  await using pair = await linkedThread();
  const turn = pair.thread.turn("Say it");
  const harnessTurn = new HarnessTurn({
    turn,
    asks: new HarnessAsks(all),
    holdsText: false,
    answerTimeoutMs: 60_000,
    show: {},
  });
  const emit = ({ type }: HarnessStreamPart) => {
    if (type === "text-start") throw new Error("The host is full.");
  };
  const { done } = harnessTurn.attach({ emit });
  await turn.started;
  const delta = { ...ids, itemId: "text", delta: "Hello" };
  pair.server.send(turnStarted(ids), { method: "item/agentMessage/delta", params: delta });
  expect((await rejection(done)).message).toBe("The host is full.");
  expect(await pair.server.nextRequest("turn/interrupt")).toMatchObject({ params: ids });
});
