import { expect, test } from "@jest/globals";
import type { ThreadItem } from "../../../generated/types.js";
import type { TurnEvent } from "../../../lib/protocol.js";
import { toTurnResult } from "../../../lib/turns/turn-result.js";
import { initialTurnState, reduceTurn } from "../../../lib/turns/turn-state.js";
import { type TurnState } from "../../../lib/results/turn-state.js";
import { deepFreeze } from "../../support/deep-freeze.js";
import { recordedTurns, transcriptNames, type RecordedTurn } from "../../support/transcripts.js";

/** Tokens of the turn, of its last response, of the thread so far. */
type Usage = readonly [turn: number, last: number, total: number] | null;

/** Items are written as `type`, or `type:status`, with a `?` when the server left them open. */
interface Expected {
  readonly status?: "completed" | "interrupted" | "failed";
  readonly answer: string | null;
  readonly items: string;
  readonly usage: Usage;
}

const plain = "userMessage agentMessage";
const one: Usage = [15, 15, 15];
const two: Usage = [30, 15, 30];
const command = (status: string) => `userMessage commandExecution:${status} agentMessage`;
const answered = (answer: string, usage: Usage = one, items = plain): Expected => {
  return { answer, items, usage };
};

const expected: Record<string, readonly Expected[]> = {
  "approval-accepted": [answered("Made.", two, command("completed"))],
  "approval-cancelled": [
    {
      status: "interrupted",
      answer: null,
      items: "userMessage commandExecution:declined",
      usage: one,
    },
  ],
  "approval-declined": [answered("I was not allowed.", two, command("declined"))],
  "auto-compaction": [
    answered("A long talk.", [5010, 5010, 5010]),
    answered("After the summary.", [30, 15, 5040], `contextCompaction ${plain}`),
  ],
  "background-command": [
    answered(
      "It runs in the background.",
      two,
      "userMessage commandExecution:inProgress? agentMessage",
    ),
  ],
  compaction: [
    answered("A long talk."),
    { answer: null, items: "contextCompaction", usage: [15, 6047, 30] },
  ],
  "dynamic-tool": [
    answered("It is sunny in Ulm.", two, "userMessage dynamicToolCall:completed agentMessage"),
  ],
  "failed-open-item": [
    { status: "failed", answer: null, items: "userMessage agentMessage?", usage: null },
  ],
  "failed-usage-limit": [{ status: "failed", answer: null, items: "userMessage", usage: null }],
  "failing-command": [answered("It failed with code 3.", two, command("failed"))],
  "file-change-approval": [
    answered("Written.", two, "userMessage fileChange:completed agentMessage"),
  ],
  goal: [
    answered("Working on it.", one, "agentMessage"),
    answered("That was it.", [30, 15, 45], "agentMessage agentMessage"),
  ],
  "interrupted-approval": [
    {
      status: "interrupted",
      answer: null,
      items: "userMessage commandExecution:failed?",
      usage: one,
    },
  ],
  "interrupted-turn": [
    { status: "interrupted", answer: null, items: "userMessage agentMessage?", usage: null },
  ],
  "late-events": [
    answered("It waits.", two, "userMessage commandExecution:inProgress? agentMessage"),
    answered(
      "Both are done.",
      [30, 15, 60],
      "userMessage agentMessage commandExecution:completed agentMessage",
    ),
  ],
  "model-rerouted": [answered("From another model.")],
  "multi-turn-usage": [
    answered("Answer 1.", [101, 101, 101]),
    answered("Answer 2.", [202, 202, 303]),
    answered("Answer 3.", [303, 303, 606]),
  ],
  "parallel-approvals": [
    answered(
      "One of two.",
      two,
      "userMessage commandExecution:declined commandExecution:completed agentMessage",
    ),
  ],
  "patch-turn": [
    answered(
      "Written and changed.",
      [45, 15, 45],
      "userMessage fileChange:completed fileChange:completed agentMessage",
    ),
  ],
  "permissions-request": [answered("I have the network.", two)],
  "plain-turn": [answered("Hello there, how can I help?")],
  "plan-turn": [{ answer: null, items: "userMessage plan", usage: one }],
  "reasoning-turn": [
    answered(
      "The answer is 42.",
      [150, 150, 150],
      "userMessage reasoning agentMessage agentMessage",
    ),
  ],
  "refused-requests": [],
  "resumed-thread": [answered("After.", [15, 15, 30])],
  "retry-then-success": [
    answered("Second try works.", one, "userMessage agentMessage? agentMessage"),
  ],
  review: [
    answered(
      "Nothing to complain about.",
      null,
      "enteredReviewMode userMessage agentMessage? exitedReviewMode agentMessage",
    ),
  ],
  "shell-command": [{ answer: null, items: "commandExecution:completed", usage: null }],
  "shell-turn": [
    answered(
      "It printed three lines.",
      two,
      "userMessage agentMessage commandExecution:completed agentMessage",
    ),
  ],
  "steered-turn": [
    answered("Short answer.", one, "userMessage agentMessage? userMessage agentMessage"),
  ],
  "sub-agent-turn": [
    answered(
      "My agent found it.",
      [45, 15, 45],
      "userMessage collabAgentToolCall:completed collabAgentToolCall:completed agentMessage",
    ),
    answered("The child has an answer."),
  ],
  "thread-housekeeping": [answered("Hello from the loopback model.")],
  "two-threads": [answered("a1 a2 a3"), answered("b1 b2")],
  "unloaded-while-idle": [answered("Hello from the loopback model.")],
  "user-input": [answered("Blue it is.", two)],
  "web-search": [answered("Found it.", one, "userMessage webSearch agentMessage")],
};

/** Each state is frozen before the next event: a reducer that changed one would throw. */
function fold({ threadId, turnId, events }: RecordedTurn): TurnState {
  const start: TurnState = { ...initialTurnState(threadId), id: turnId };
  return events.reduce((state: TurnState, event: TurnEvent) => {
    return reduceTurn(deepFreeze(state), deepFreeze(event));
  }, start);
}

function describeItem(item: ThreadItem, open: readonly ThreadItem[]): string {
  const status = "status" in item ? `:${item.status}` : "";
  return `${item.type}${status}${open.some(({ id }) => id === item.id) ? "?" : ""}`;
}

test("every transcript is expected here", () => {
  expect(Object.keys(expected).sort()).toEqual(transcriptNames().sort());
});

test.each(Object.keys(expected))("%s", (name) => {
  const turns = recordedTurns(name).map((turn) => {
    const state = fold(turn);
    const { status, finalResponse, items, usage } = toTurnResult(state);
    return {
      status,
      answer: finalResponse,
      items: items.map((item) => describeItem(item, state.openItems)).join(" "),
      usage: usage && [usage.turn.totalTokens, usage.last.totalTokens, usage.total.totalTokens],
    };
  });
  expect(turns).toEqual((expected[name] ?? []).map((turn) => ({ status: "completed", ...turn })));
});

test.each(transcriptNames())("%s: the result has the ids, times and error of its end", (name) => {
  for (const turn of recordedTurns(name)) {
    const result = toTurnResult(fold(turn));
    const end = turn.events.at(-1);
    expect(end?.method).toBe("turn/completed");
    expect({ threadId: result.threadId, turn: result }).toMatchObject({
      threadId: turn.threadId,
      turn: end?.method === "turn/completed" ? withoutItems(end.params.turn) : null,
    });
    expect(result.error === null).toBe(result.status !== "failed");
  }
});

test.each(transcriptNames())(
  "%s: items are as they completed, in the order of their starts",
  (name) => {
    for (const turn of recordedTurns(name)) {
      const begun = new Set<string>();
      const completed = new Map<string, ThreadItem>();
      for (const { method, params } of turn.events) {
        if (method !== "item/started" && method !== "item/completed") continue;
        begun.add(params.item.id);
        if (method === "item/completed") completed.set(params.item.id, params.item);
      }
      const { items } = toTurnResult(fold(turn));
      expect(items.map(({ id }) => id)).toEqual([...begun]);
      expect(items.filter(({ id }) => completed.has(id))).toEqual(
        [...begun].flatMap((id) => completed.get(id) ?? []),
      );
    }
  },
);

test("what was streamed of an item that never completed is kept", () => {
  const texts = ["interrupted-turn", "failed-open-item", "steered-turn"].map((name) => {
    const [turn] = recordedTurns(name);
    const open = turn ? fold(turn).openItems : [];
    const kept = turn && toTurnResult(fold(turn)).items.find(({ id }) => id === open[0]?.id);
    const deltas = turn?.events.flatMap((event) =>
      event.method === "item/agentMessage/delta" && event.params.itemId === kept?.id
        ? [event.params.delta]
        : [],
    );
    expect(deltas).not.toHaveLength(0);
    expect(kept).toMatchObject({ type: "agentMessage", text: deltas?.join("") });
    return kept?.type;
  });
  expect(texts).toHaveLength(3);
});

function withoutItems({
  id,
  status,
  error,
  startedAt,
  completedAt,
  durationMs,
}: Partial<TurnState>) {
  return { id, status, error, startedAt, completedAt, durationMs };
}
