import { expect, test } from "@jest/globals";
import { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import { DeltaLines } from "../../lib/messages/delta-lines.js";
import type { NotificationMessage } from "../../lib/jsonrpc/message.js";

const anyText = fc.string({ unit: "binary", maxLength: 30 });
const ids = { threadId: "thread-1", turnId: "turn-1", itemId: "item-1" };
const method = "item/agentMessage/delta";
const time = fc.oneof(fc.nat(), fc.constant(1_783_000_000_000), fc.maxSafeNat());

/** The notification as the server writes it. */
function deltaLine(delta: string, emittedAtMs = 7, more: object = {}): string {
  return JSON.stringify({ method, params: { ...ids, delta, ...more }, emittedAtMs });
}

/** One that has seen two deltas of the item. */
function learned(): DeltaLines {
  const lines = new DeltaLines();
  for (const text of ["a", "b"]) lines.learn(JSON.parse(deltaLine(text)) as NotificationMessage);
  return lines;
}

/** What is read of the line when others stand around it; it must not depend on them. */
function read(line: string, around = ""): NotificationMessage | undefined {
  const text = `${around}\n${line}\n${around}`;
  const start = around.length + 1;
  return learned().read(text, start, start + line.length);
}

test("a delta is read as JSON.parse reads it, whatever its text", () => {
  fc.assert(
    fc.property(anyText, time, (text, emittedAtMs) => {
      const line = deltaLine(text, emittedAtMs);
      const message = read(line, deltaLine("around"));
      // The time is read up to fifteen digits, which will do for thirty thousand years.
      if (emittedAtMs < 1e15) expect(message).toBeDefined();
      if (message) deepStrictEqual(message, JSON.parse(line));
    }),
  );
});

test("a line that was changed anywhere is read as JSON.parse reads it, or not at all", () => {
  const piece = fc.oneof(anyText, fc.constantFrom('"', "\\", "}", ",", "0", "\\u0041", "\n", " "));
  const change = fc.record({ at: fc.nat(400), drop: fc.nat(5), put: piece });
  fc.assert(
    fc.property(anyText, fc.array(change, { minLength: 1, maxLength: 3 }), (text, changes) => {
      let line = deltaLine(text, 1_783_000_000_000);
      for (const { at, drop, put } of changes) {
        const from = at % line.length;
        line = line.slice(0, from) + put + line.slice(from + drop);
      }
      const message = read(line);
      // It throws for what is not JSON, and then nothing may have been read.
      if (message) deepStrictEqual(message, JSON.parse(line));
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["of another item", deltaLine("x").replace("item-1", "item-2")],
  ["with one more field", deltaLine("x", 7, { more: 1 })],
  ["without a time", JSON.stringify({ method, params: { ...ids, delta: "x" } })],
  ["with a time that is no whole number", deltaLine("x").replace(":7}", ":7.5}")],
  ["with a time that JSON does not allow", deltaLine("x").replace(":7}", ":07}")],
  ["with an escape that JSON does not allow", deltaLine("x").replace('"x"', '"\\x"')],
  ["with a newline in its text", deltaLine("x").replace('"x"', '"\n"')],
  ["with something behind it", `${deltaLine("x")}}`],
  ["that is cut off", deltaLine("x").slice(0, -1)],
  ["that is very long", deltaLine("x".repeat(100_000))],
  ["that is empty", ""],
])("a line %s is left to JSON.parse", (_, line) => {
  expect(read(line)).toBeUndefined();
});

test("nothing is read before a second delta of the item has come, nor after one of another", () => {
  const lines = new DeltaLines();
  const line = deltaLine("x");
  const message = JSON.parse(line) as NotificationMessage;
  const canRead = () => lines.read(line, 0, line.length) !== undefined;
  expect(canRead()).toBe(false);
  lines.learn(message);
  expect(canRead()).toBe(false);
  lines.learn(message);
  expect(canRead()).toBe(true);
  lines.learn({ method: "turn/completed", params: { threadId: "thread-1", turn: {} } });
  expect(canRead()).toBe(true);
  lines.learn({ method, params: { ...ids, itemId: "item-2", delta: "y" } });
  expect(canRead()).toBe(false);
});

test.each([undefined, null, 7, "text", [], { delta: 1 }, { delta: "x" }, { ...ids, delta: null }])(
  "nothing is learnt from params that are %j",
  (params) => {
    const lines = learned();
    for (let count = 0; count < 2; count += 1) lines.learn({ method, params });
    const line = deltaLine("x");
    expect(lines.read(line, 0, line.length)).toEqual(JSON.parse(line));
  },
);
