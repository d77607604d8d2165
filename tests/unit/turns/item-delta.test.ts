import { expect, test } from "@jest/globals";
import type { ThreadItem } from "../../../generated/types.js";
import { applyDelta } from "../../../lib/turns/turn-items.js";
import type { TurnEvent } from "../../../lib/protocol.js";
import { deepFreeze } from "../../support/deep-freeze.js";
import { agentMessage, type Params } from "../../support/turn-messages.js";

const items = deepFreeze([
  agentMessage("msg", "Hel"),
  { type: "plan", id: "plan", text: "1. " },
  { type: "reasoning", id: "think", summary: ["So"], content: [] },
  { type: "commandExecution", id: "run", status: "inProgress", aggregatedOutput: null },
  { type: "fileChange", id: "patch", changes: [] },
] as unknown[]) as readonly ThreadItem[];

function apply(method: string, params: Params): readonly ThreadItem[] {
  const event: unknown = { method, params };
  return applyDelta(items, event as TurnEvent);
}

const reasoning = (fields: Params) => ({
  type: "reasoning",
  id: "think",
  summary: ["So"],
  content: [],
  ...fields,
});

test.each<[string, Params, number, Params]>([
  ["item/agentMessage/delta", { itemId: "msg", delta: "lo" }, 0, agentMessage("msg", "Hello")],
  [
    "item/plan/delta",
    { itemId: "plan", delta: "go" },
    1,
    { type: "plan", id: "plan", text: "1. go" },
  ],
  [
    "item/reasoning/summaryTextDelta",
    { itemId: "think", summaryIndex: 0, delta: " be it" },
    2,
    reasoning({ summary: ["So be it"] }),
  ],
  [
    "item/reasoning/summaryTextDelta",
    { itemId: "think", summaryIndex: 1, delta: "Then" },
    2,
    reasoning({ summary: ["So", "Then"] }),
  ],
  [
    "item/reasoning/textDelta",
    { itemId: "think", contentIndex: 0, delta: "Hm" },
    2,
    reasoning({ content: ["Hm"] }),
  ],
  [
    "item/commandExecution/outputDelta",
    { itemId: "run", delta: "ok\n" },
    3,
    { type: "commandExecution", id: "run", status: "inProgress", aggregatedOutput: "ok\n" },
  ],
  [
    "item/fileChange/patchUpdated",
    { itemId: "patch", changes: [{ path: "a.txt" }] },
    4,
    { type: "fileChange", id: "patch", changes: [{ path: "a.txt" }] },
  ],
])("%s goes into its item, and into no other", (method, params, index, expected) => {
  const next = apply(method, params);
  expect(next).toEqual(items.with(index, expected as ThreadItem));
  next.forEach((item, at) => {
    expect(item === items[at]).toBe(at !== index);
  });
});

test.each<[string, string, Params]>([
  ["an item that is not open", "item/agentMessage/delta", { itemId: "gone", delta: "x" }],
  ["a method without text", "item/mcpToolCall/progress", { itemId: "msg", message: "x" }],
  ["a method that nobody knows", "item/hologram/delta", { itemId: "msg", delta: "x" }],
])("%s changes nothing: the very same list", (_name, method, params) => {
  expect(apply(method, params)).toBe(items);
});

test("a delta does not go into an item of another type with that id", () => {
  expect(apply("item/plan/delta", { itemId: "msg", delta: "x" })).toEqual(items);
});

test.each([-1, 2, 1e9, 0.5, NaN, "1", null])("an index that cannot be is left out: %p", (index) => {
  const params = { itemId: "think", summaryIndex: index, delta: "x" };
  const next = apply("item/reasoning/summaryTextDelta", params);
  expect(next).toEqual(items);
});
