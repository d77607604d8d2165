import { describe, expect, test } from "@jest/globals";
import type { TokenUsageBreakdown } from "../../../generated/types.js";
import type { TurnEvent } from "../../../lib/protocol.js";
import { initialTurnState, reduceTurn } from "../../../lib/turns/turn-state.js";
import { updateUsage } from "../../../lib/turns/turn-usage.js";
import { type TurnUsage } from "../../../lib/results/turn-state.js";
import { deepFreeze } from "../../support/deep-freeze.js";

type Update = readonly [total: number, last: number, compacting?: "compacting"];

/** Counts whose parts differ, so that none can be taken for another. */
function counts(tokens: number): TokenUsageBreakdown {
  return {
    totalTokens: tokens,
    inputTokens: tokens * 2,
    cachedInputTokens: tokens * 3,
    cacheWriteInputTokens: tokens * 5,
    outputTokens: tokens * 7,
    reasoningOutputTokens: tokens * 11,
  };
}

function fold(updates: readonly Update[]): TurnUsage | null {
  return updates.reduce<TurnUsage | null>((usage, [total, last, compacting]) => {
    const update = { total: counts(total), last: counts(last), modelContextWindow: 258_400 };
    return deepFreeze(
      updateUsage(usage, deepFreeze(update), { isCompacting: compacting !== undefined }),
    );
  }, null);
}

test.each<[string, readonly Update[], number]>([
  ["the first turn of a thread", [[15, 15]], 15],
  ["a later turn", [[115, 15]], 15],
  [
    "several responses are added up",
    [
      [115, 15],
      [135, 20],
      [142, 7],
    ],
    42,
  ],
  [
    "an update that repeats the one before adds nothing",
    [
      [115, 15],
      [115, 15],
      [135, 20],
    ],
    35,
  ],
  [
    "a response that was never reported on its own is counted",
    [
      [115, 15],
      [165, 20],
    ],
    65,
  ],
  [
    "a compaction repeats the thread's last update first",
    [
      [100, 40, "compacting"],
      [115, 15, "compacting"],
      [115, 6_000, "compacting"],
    ],
    15,
  ],
  [
    "a compaction of an empty thread has nothing to repeat",
    [
      [15, 15, "compacting"],
      [15, 6_000, "compacting"],
    ],
    15,
  ],
  ["a compaction that failed used nothing", [[100, 40, "compacting"]], 0],
  [
    "an automatic compaction counts with the answer after it",
    [
      [100, 40, "compacting"],
      [115, 15, "compacting"],
      [115, 6_000, "compacting"],
      [135, 20],
    ],
    35,
  ],
  [
    "a compaction in mid-turn",
    [
      [115, 15],
      [115, 15, "compacting"],
      [125, 10, "compacting"],
      [125, 6_000, "compacting"],
    ],
    25,
  ],
])("%s", (_name, updates, tokens) => {
  const [total, last] = updates.at(-1) ?? [0, 0];
  expect(fold(updates)).toEqual({
    turn: counts(tokens),
    last: counts(last),
    total: counts(total),
    modelContextWindow: 258_400,
  });
});

test("what the thread had used before is taken off where it is known, whatever is repeated", () => {
  const context = { isCompacting: false, totalBefore: counts(100) };
  const update = (total: number, last: number) => ({
    total: counts(total),
    last: counts(last),
    modelContextWindow: 258_400,
  });
  const repeated = updateUsage(null, update(100, 40), context);
  expect(repeated.turn).toEqual(counts(0));
  expect(updateUsage(repeated, update(115, 15), context).turn).toEqual(counts(15));
  expect(updateUsage(null, update(135, 20), context).turn).toEqual(counts(35));
  // A history that was taken back, and its total with it: what was before does not count.
  expect(updateUsage(null, update(60, 20), context).turn).toEqual(counts(20));
});

describe("a turn that is cut before its first response is complete", () => {
  const ids = { threadId: "thread", turnId: "turn" };
  const repeated = {
    method: "thread/tokenUsage/updated",
    params: {
      ...ids,
      tokenUsage: { total: counts(100), last: counts(40), modelContextWindow: 258_400 },
    },
  };
  const ended = (status: string) => ({
    method: "turn/completed",
    params: { threadId: "thread", turn: { id: "turn", status, items: [] } },
  });
  const item = (type: string, phase: "started" | "completed") => ({
    method: `item/${phase}`,
    params: { ...ids, item: { id: "item", type, text: "" } },
  });

  test.each<[string, object[], number]>([
    ["interrupted", [], 0],
    ["failed", [], 0],
    ["interrupted", [item("agentMessage", "started")], 0],
    ["interrupted", [item("agentMessage", "started"), item("agentMessage", "completed")], 40],
    ["interrupted", [item("commandExecution", "started")], 40],
    ["completed", [], 40],
  ])("%s, with %j before, counts what it has used itself", (status, before, tokens) => {
    const events = [...before, repeated, ended(status)] as TurnEvent[];
    const state = events.reduce(
      (each, event) => reduceTurn(each, event),
      initialTurnState("thread"),
    );
    expect(state.usage?.turn).toEqual(counts(tokens));
    expect(state.usage?.total).toEqual(counts(100));
  });
});
