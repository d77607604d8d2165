import { expect, test } from "@jest/globals";
import { BacklogBudget } from "../../../lib/async/backlog-budget.js";
import type { TurnEvent } from "../../../lib/protocol.js";
import { TurnInbox } from "../../../lib/turns/turn-inbox.js";
import { TurnProgress } from "../../../lib/turns/turn-progress.js";
import { streamedText } from "../../support/collect.js";
import { agentMessage, turnStarted, type Message } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const nothingMissed = { state: "running", items: [] } as const;

const started = (id: string): Message => item("item/started", id, "");
const completed = (id: string, text: string): Message => item("item/completed", id, text);
const delta = (itemId: string, text: string): Message => ({
  method: "item/agentMessage/delta",
  params: { ...ids, itemId, delta: text },
});
const gap = (...itemIds: string[]): Message => ({
  method: "connection/gap",
  params: { ...ids, itemIds },
});
const plan = (explanation: string): Message => ({
  method: "turn/plan/updated",
  params: { ...ids, explanation, plan: [] },
});

const progress = (message: string): Message => ({
  method: "item/mcpToolCall/progress",
  params: { ...ids, itemId: "call", message },
});

function item(method: string, id: string, text: string): Message {
  return { method, params: { ...ids, item: agentMessage(id, text) } };
}

/** An inbox that holds everything back, of a turn that has started. */
function holding(backlogs?: BacklogBudget) {
  const delivered: TurnEvent[] = [];
  const progress = new TurnProgress("thread-1");
  const inbox = new TurnInbox(progress);
  const deliver = (event: TurnEvent): void => {
    progress.add(event);
    delivered.push(event);
  };
  const receive = (...events: Message[]): void => {
    for (const event of events as unknown as TurnEvent[]) if (inbox.admits(event)) deliver(event);
  };
  const release = (): void => {
    for (const event of inbox.release(nothingMissed)) deliver(event);
  };
  receive(turnStarted(ids));
  progress.state = { ...progress.state, id: "turn-1" };
  delivered.length = 0;
  inbox.hold(backlogs);
  const textOf = () => streamedText(delivered);
  return { inbox, receive, release, delivered, textOf };
}

test("text deltas that are held back are merged, and none of their text is lost", () => {
  const { receive, release, delivered, textOf } = holding();
  receive(started("a"));
  const words = Array.from({ length: 100_000 }, (_, index) => `${index} `);
  for (const word of words) receive(delta("a", word));
  receive(completed("a", words.join("")));
  release();
  expect(delivered.length).toBeLessThan(1_010);
  expect(delivered.slice(0, 2)).toEqual([gap(), started("a")]);
  expect(textOf()).toBe(words.join(""));
});

test("beyond 64 MiB text is left out, a gap says where, and what completes is whole", () => {
  const { receive, release, delivered, textOf } = holding();
  const long = "x".repeat(1_048_576);
  receive(started("a"), delta("a", "A"), completed("a", "A"), started("b"), plan("lost"));
  for (let count = 0; count < 64; count += 1) receive(delta("b", long));
  // Of these the first is left out, too, since the beginning of the text is missing.
  receive(delta("b", "the end"), started("c"), delta("c", "C"), plan("newest"));
  receive(completed("b", "all of b"), completed("c", "C"));
  release();
  expect(delivered).toEqual([
    gap(),
    started("a"),
    completed("a", "A"),
    started("b"),
    gap("b"),
    started("c"),
    delta("c", "C"),
    plan("newest"),
    completed("b", "all of b"),
    completed("c", "C"),
  ]);
  expect(textOf()).toBe("A\n\nC\n\nall of b");
});

test("what is left out again and again leaves nothing behind but the gaps", () => {
  const { receive, release, delivered } = holding();
  const long = "x".repeat(8 * 1_048_576);
  for (let count = 0; count < 100; count += 1) receive(progress(long));
  expect(delivered).toEqual([]);
  release();
  const gaps = delivered.filter(({ method }) => method === "connection/gap");
  expect(gaps.length).toBeGreaterThan(10);
  expect(delivered.length - gaps.length).toBeLessThan(8);
});

test("of the diff and the plan only the newest is held back, of the usage all: the turn's own is made of it", () => {
  const { receive, release, delivered } = holding();
  const usage = (count: number): Message => ({
    method: "thread/tokenUsage/updated",
    params: { ...ids, tokenUsage: { count } },
  });
  const diff = (text: string): Message => ({
    method: "turn/diff/updated",
    params: { ...ids, diff: text },
  });
  for (let count = 0; count < 2_000; count += 1) receive(usage(count), diff(`${count}`));
  receive(plan("old"), completed("a", "A"), plan("new"));
  release();
  expect(delivered.filter(({ method }) => method === "thread/tokenUsage/updated")).toHaveLength(
    2_000,
  );
  // Those that came before much was waiting stay.
  expect(delivered.filter(({ method }) => method === "turn/diff/updated")).toHaveLength(500);
  expect(delivered.slice(-3)).toEqual([diff("1999"), completed("a", "A"), plan("new")]);
});

test("what is held back counts in the client's total, and is left out when that is too much", () => {
  const budget = new BacklogBudget(100_000, () => new Error("too much"));
  const { receive, release, delivered } = holding(budget);
  receive(started("a"), delta("a", "x".repeat(60_000)));
  expect(budget.bytes).toBeGreaterThan(60_000);
  receive(progress("y".repeat(60_000)), completed("a", "A"));
  expect(budget.bytes).toBe(0);
  release();
  expect(delivered).toEqual([gap(), started("a"), gap("a"), completed("a", "A")]);
});

test("what is held back stops counting when nobody is interested any more", () => {
  const budget = new BacklogBudget(100_000);
  const { inbox, receive, release, delivered } = holding(budget);
  receive(started("a"), delta("a", "x".repeat(60_000)));
  inbox.close();
  expect(budget.bytes).toBe(0);
  release();
  expect(delivered).toEqual([]);
});

test("text whose beginning was missed is not held back at all", () => {
  const { receive, release, delivered } = holding();
  const long = "x".repeat(1_048_576);
  receive(started("a"));
  // Were they held back, the text of the other would have to be left out for them.
  for (let count = 0; count < 100; count += 1) receive(delta("unknown", long));
  receive(delta("a", "A"));
  release();
  expect(delivered).toEqual([gap(), started("a"), delta("a", "A")]);
});

test("what was asked about an item is held back no longer than until the item is over", () => {
  const { inbox, receive } = holding();
  const request = (method: string, params: object): Message => ({
    method,
    key: method,
    requestId: 1,
    params: { ...ids, ...params },
  });
  const call = request("item/tool/call", { callId: "call" });
  const approval = request("item/commandExecution/requestApproval", { itemId: "command" });
  const open = request("item/fileChange/requestApproval", { itemId: "change" });
  receive(call, approval, open);
  const items = ["call", "command"].map((id) => ({ item: agentMessage(id, "") }));
  const report = { state: "running", items } as unknown as Parameters<typeof inbox.release>[0];
  const released = [...inbox.release(report)].map(({ method }) => method);
  expect(released).toEqual(["connection/gap", "item/completed", "item/completed", open.method]);
});
