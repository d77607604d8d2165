import { test } from "@jest/globals";
import { deepStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { EventQueue } from "../../../lib/async/event-queue.js";
import { eventBacklog } from "../../../lib/turns/event-backlog.js";
import type { SomeEvent } from "../../../lib/messages/superseding.js";

const mark = 1_000;
const methods = ["item/agentMessage/delta", "item/reasoning/textDelta", "item/plan/delta"];

const delta = fc.record({
  method: fc.constantFrom(...methods),
  itemId: fc.constantFrom("a", "b"),
  index: fc.constantFrom(undefined, 0, 1),
  text: fc.string({ unit: "grapheme", maxLength: 3 }),
});
const other = fc.record({ method: fc.constantFrom("item/started", "turn/diff/updated") });
/** Mostly long runs, as from a server, with everything else in between. */
const bursts = fc.array(
  fc.oneof(
    fc.tuple(delta, fc.integer({ min: 1, max: 900 })),
    fc.tuple(fc.oneof(delta, other), fc.integer({ min: 1, max: 3 })),
  ),
  { maxLength: 30 },
);
/** How many events are read after each burst. */
const reads = fc.array(fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 1_500 })), { maxLength: 30 });

type Made = SomeEvent & { readonly params: Readonly<Record<string, unknown>> };

function eventsOf(list: readonly (readonly [object, number])[]): Made[][] {
  let count = 0;
  return list.map(([kind, times]) =>
    Array.from({ length: times }, () => {
      count += 1;
      const { method, itemId, index, text } = kind as Record<string, string | number | undefined>;
      if (text === undefined) return { method: String(method), params: { count } };
      const where = index === undefined ? { itemId } : { itemId, contentIndex: index };
      const params = { ...where, delta: `${text}${count};` };
      return { method: String(method), params, emittedAtMs: count };
    }),
  );
}

/** What is the same however the text is cut: neighbours that belong together, as one. */
function joined(events: readonly Made[]): unknown[] {
  const parts: { about: string; text: string }[] = [];
  for (const { method, params } of events) {
    const { delta: text, ...where } = params;
    const about = JSON.stringify([method, where]);
    const last = parts.at(-1);
    if (typeof text === "string" && last?.about === about) last.text += text;
    else parts.push({ about, text: typeof text === "string" ? text : "" });
  }
  return parts;
}

test("whatever comes, and however slowly it is read, no text is lost and no event moves", async () => {
  await fc.assert(
    fc.asyncProperty(bursts, reads, async (list, pauses) => {
      const sent = eventsOf(list);
      const before = JSON.stringify(sent);
      const queue = new EventQueue<Made>(undefined, eventBacklog("turn"));
      const got: Made[] = [];
      const read = async (): Promise<void> => {
        const step = await queue.next();
        if (!step.done) got.push(step.value);
      };
      for (const [index, burst] of sent.entries()) {
        for (const event of burst) {
          queue.push(event);
          // Past the mark, only what cannot be merged takes a place of its own.
          ok(queue.size <= mark + list.length * 3);
        }
        for (let left = pauses[index] ?? 0; left > 0 && queue.size > 0; left -= 1) await read();
      }
      queue.end();
      while (queue.size > 0) await read();
      deepStrictEqual(joined(got), joined(sent.flat()));
      // What somebody else may hold is as it was.
      deepStrictEqual(JSON.stringify(sent), before);
    }),
    { numRuns: 100 },
  );
});
