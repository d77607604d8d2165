import { test } from "@jest/globals";
import { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import type { TurnEvent } from "../../lib/protocol.js";
import { TurnProgress } from "../../lib/turns/turn-progress.js";
import { initialTurnState, reduceTurn } from "../../lib/turns/turn-state.js";
import { type TurnState } from "../../lib/results/turn-state.js";
import { deepFreeze } from "../support/deep-freeze.js";

const ids = { threadId: "thread", turnId: "turn" };
const id = fc.constantFrom("a", "b", "__proto__");
const anything = fc.jsonValue({ maxDepth: 2 });
/** What the protocol says for the most part, and sometimes anything at all. */
const orAnything = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: anything });

const text = orAnything(fc.string({ maxLength: 4 }));
const item = orAnything(
  fc.oneof(
    fc.record({ type: fc.constantFrom("agentMessage", "plan"), id, text, phase: anything }),
    fc.record({
      type: fc.constant("reasoning"),
      id,
      summary: orAnything(fc.array(text, { maxLength: 2 })),
      content: orAnything(fc.array(text, { maxLength: 2 })),
    }),
    fc.record({ type: fc.constant("commandExecution"), id, aggregatedOutput: text }),
    fc.record({ type: fc.constant("fileChange"), id, changes: anything }),
    fc.record({ type: fc.string(), id, novelty: anything }),
    fc.record({ type: fc.constant("contextCompaction"), id }),
  ),
);
const counts = orAnything(
  fc.record({ totalTokens: orAnything(fc.nat()), inputTokens: fc.nat(), novelty: anything }),
);
const turn = orAnything(
  fc.record(
    {
      id: fc.constant("turn"),
      status: orAnything(fc.constantFrom("completed", "failed", "interrupted", "novel")),
      error: orAnything(fc.constantFrom(null, { message: "no" })),
      items: orAnything(fc.array(item, { maxLength: 3 })),
      startedAt: anything,
      completedAt: anything,
    },
    { requiredKeys: ["id"] },
  ),
);

function eventOf(method: string, fields: Record<string, fc.Arbitrary<unknown>>) {
  const params = fc.record(fields).map((given) => ({ ...ids, ...given }));
  return fc.record({ method: fc.constant(method), params: orAnything(params) });
}

const delta = eventOf("item/agentMessage/delta", { itemId: id, delta: text });
const ordinary = fc.oneof(
  delta,
  delta,
  eventOf("item/plan/delta", { itemId: id, delta: text }),
  eventOf("item/reasoning/textDelta", { itemId: id, delta: text, contentIndex: fc.nat(3) }),
  eventOf("item/reasoning/summaryTextDelta", { itemId: id, delta: text, summaryIndex: fc.nat(3) }),
  eventOf("item/commandExecution/outputDelta", { itemId: id, delta: text }),
  eventOf("item/fileChange/patchUpdated", { itemId: id, changes: anything }),
  eventOf("item/started", { item }),
  eventOf("item/completed", { item }),
  eventOf("thread/tokenUsage/updated", { tokenUsage: fc.record({ total: counts, last: counts }) }),
  eventOf("turn/plan/updated", { plan: anything }),
  eventOf("turn/diff/updated", { diff: anything }),
  eventOf("error", { error: anything, willRetry: fc.boolean() }),
  eventOf("turn/started", { turn }),
);
const unknown = fc
  .record({ method: fc.string(), params: anything })
  .map(({ method, params }) => ({ method: `novel/${method}`, params }));
const terminal = eventOf("turn/completed", { turn });

/** Any order, anything twice, and now and then the same one again and again. */
const events = fc
  .array(fc.tuple(fc.oneof(ordinary, unknown, terminal), fc.integer({ min: 1, max: 3 })), {
    maxLength: 30,
  })
  .map((list) =>
    list.flatMap(([event, times]) => Array<unknown>(times).fill(event) as TurnEvent[]),
  );

/** Folds one by one; what cannot be made sense of changes nothing. */
function fold(list: readonly TurnEvent[], from = initialTurnState("thread")): TurnState {
  return list.reduce((state, event) => {
    try {
      return reduceTurn(state, deepFreeze(event));
    } catch {
      return state;
    }
  }, deepFreeze(from));
}

function progressOf(list: readonly TurnEvent[], looks: (index: number) => boolean): TurnState {
  const progress = new TurnProgress("thread");
  for (const [index, event] of list.entries()) {
    progress.add(event);
    if (looks(index)) deepFreeze(progress.state);
  }
  return progress.state;
}

test("folding in runs never throws, and gives what folding one by one gives, looked at or not", () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 7 }), (list, every) => {
      const expected = fold(list);
      deepStrictEqual(
        progressOf(list, () => false),
        expected,
      );
      deepStrictEqual(
        progressOf(list, (index) => index % every === 0),
        expected,
      );
    }),
    { numRuns: 300 },
  );
});

test("the end of a turn that comes twice says nothing new", () => {
  fc.assert(
    fc.property(events, terminal, (list, end) => {
      const once = fold([end as TurnEvent], fold(list));
      deepStrictEqual(fold([end as TurnEvent], once), once);
    }),
    { numRuns: 300 },
  );
});

test("notifications that nobody knows change nothing, wherever they come", () => {
  fc.assert(
    fc.property(events, (list) => {
      const known = list.filter(({ method }) => !(method as string).startsWith("novel/"));
      // Except that the server is heard again: it no longer tries to reach the model.
      deepStrictEqual({ ...fold(list), retry: null }, { ...fold(known), retry: null });
    }),
    { numRuns: 300 },
  );
});

test("fields that nobody knows stay with their item", () => {
  fc.assert(
    fc.property(fc.string(), anything, (field, value) => {
      const novel = { type: "novel", id: "a", [field]: value, id2: "b" };
      const params = { ...ids, item: { ...novel, type: "novel", id: "a" } };
      const { items } = fold([{ method: "item/completed", params } as unknown as TurnEvent]);
      deepStrictEqual(items, [params.item]);
    }),
    { numRuns: 200 },
  );
});
