import { expect, test } from "@jest/globals";
import { threadIdOf, turnIdOf } from "../../../lib/messages/message-ids.js";
import { recordedNotifications, transcriptNames } from "../../support/transcripts.js";

const both = { threadId: "t", turnId: "u" };

test.each<[string, unknown, string | undefined, string | undefined]>([
  ["item/agentMessage/delta", both, "t", "u"],
  ["turn/started", { threadId: "t", turn: { id: "u" } }, "t", "u"],
  ["turn/completed", { threadId: "t", turn: { id: "u" }, turnId: "not this" }, "t", "u"],
  ["thread/started", { thread: { id: "t" } }, "t", undefined],
  ["thread/status/changed", { threadId: "t" }, "t", undefined],
  ["hook/started", { threadId: "t", turnId: null }, "t", undefined],
  ["warning", { threadId: null }, undefined, undefined],
  ["configWarning", {}, undefined, undefined],
  ["account/updated", both, undefined, undefined],
  ["thread/hologram/updated", both, "t", "u"],
  ["constructor", both, "t", "u"],
  ["thread/hologram/updated", { threadId: "t", turn: { id: "u" } }, "t", "u"],
  ["thread/hologram/updated", { thread: { id: "t" }, turn: { id: "u" } }, "t", "u"],
  ["thread/hologram/updated", { thread: { id: "t" }, turnId: "u" }, "t", "u"],
  ["thread/hologram/updated", { turnId: "u" }, undefined, "u"],
  ["thread/hologram/updated", { turn: { id: "u" } }, undefined, "u"],
  ["thread/hologram/updated", { ...both, thread: { id: "no" }, turn: { id: "no" } }, "t", "u"],
  ["thread/hologram/updated", {}, undefined, undefined],
])("%s %j", (method, params, threadId, turnId) => {
  expect(threadIdOf({ method, params })).toBe(threadId);
  expect(turnIdOf({ method, params })).toBe(turnId);
});

test.each<[unknown]>([
  [undefined],
  [null],
  ["t"],
  [[]],
  [{ threadId: 7, turnId: {} }],
  [{ threadId: ["t"], turn: null }],
  [{ turn: "u" }],
  [{ turn: { id: 7 } }],
])("params of another shape name nobody: %j", (params) => {
  for (const method of ["turn/completed", "item/started", "thread/started", "something/new"]) {
    expect(threadIdOf({ method, params })).toBeUndefined();
    expect(turnIdOf({ method, params })).toBeUndefined();
  }
});

test("every item and turn event that was recorded names its thread and its turn", () => {
  const events = transcriptNames()
    .flatMap(recordedNotifications)
    .filter(({ method }) => /^(item|turn)\//.test(method));
  expect(events.length).toBeGreaterThan(300);
  for (const event of events) {
    expect(threadIdOf(event)).toMatch(/^0{8}-/);
    expect(turnIdOf(event)).toMatch(/^0{8}-/);
  }
});
