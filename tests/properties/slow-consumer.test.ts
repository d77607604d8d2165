import { test } from "@jest/globals";
import { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import { BacklogBudget } from "../../lib/async/backlog-budget.js";
import { EventQueue } from "../../lib/async/event-queue.js";
import type { TurnEvent } from "../../lib/protocol.js";
import { supersedingKey } from "../../lib/messages/superseding.js";
import { eventBacklog } from "../../lib/turns/event-backlog.js";
import type { SubagentEvent } from "../../lib/turns/subagents.js";
import { deltaOf } from "../../lib/turns/text-merge.js";
import { TurnProgress } from "../../lib/turns/turn-progress.js";

/** What a consumer may get: a turn's own event, or one of a sub-agent. */
type Given = TurnEvent | SubagentEvent;

const origin = { threadId: "child", turnId: "turn", parentThreadId: "thread", depth: 1 };
const id = fc.constantFrom("a", "b");
const word = fc.string({ maxLength: 30 });
const item = fc.record({ type: fc.constant("agentMessage"), id, text: word });

function eventOf(method: string, fields: Record<string, fc.Arbitrary<unknown>>) {
  const threadId = fc.constantFrom("thread", "child");
  const params = fc.record({ threadId, turnId: fc.constant("turn"), ...fields });
  return fc.record({ method: fc.constant(method), params }).map((event) => {
    const told = event as unknown as TurnEvent;
    return told.params.threadId === "child" ? { ...told, origin } : told;
  });
}

const events = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: eventOf("item/agentMessage/delta", { itemId: id, delta: word }),
    },
    eventOf("item/started", { item }),
    eventOf("item/completed", { item }),
    eventOf("item/fileChange/patchUpdated", { itemId: id, changes: fc.array(word) }),
    eventOf("turn/diff/updated", { diff: word }),
    eventOf("turn/plan/updated", { plan: fc.array(word) }),
    eventOf("thread/tokenUsage/updated", { tokenUsage: fc.nat() }),
    eventOf("warning", { message: word }),
    eventOf("novel/method", { text: word }),
  ),
  { maxLength: 80 },
);

const isText = (event: TurnEvent): boolean => deltaOf(event) !== undefined;

/** What is there at the end, of each thread. */
function folded(all: readonly Given[]): unknown[] {
  const progress = { thread: new TurnProgress("thread"), child: new TurnProgress("child") };
  for (const event of all) {
    // What a turn has used is computed from all that is told of it.
    if (event.method === "thread/tokenUsage/updated") continue;
    progress[event.params.threadId as keyof typeof progress].add(event);
  }
  return [progress.thread.state, progress.child.state];
}

/** The newest of everything of which each event tells all, wherever it stands. */
function newest(all: readonly Given[]): Map<string, TurnEvent> {
  const keyed = all.map((event) => [supersedingKey(event) ?? "", event] as const);
  return new Map(keyed.filter(([key]) => key !== ""));
}

/** What is neither text nor superseded. */
function lasting(all: readonly Given[]): Given[] {
  return all.filter((one) => !isText(one) && supersedingKey(one) === undefined);
}

test("however slow a consumer is, it ends up with what a fast one has, in the same order", async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.array(fc.nat(12), { minLength: 1 }), async (sent, pauses) => {
      const budget = new BacklogBudget();
      const rules = { ...eventBacklog<Given>("turn"), mergeFrom: 6, lagWeight: 1_500 };
      const queue = new EventQueue<Given>(undefined, rules);
      queue.countIn(budget);
      const read: Given[] = [];
      let left = pauses[0] ?? 0;
      for (const [index, event] of sent.entries()) {
        queue.push(event);
        if (left-- > 0) continue;
        left = pauses[index % pauses.length] ?? 0;
        const step = await queue.next();
        if (!step.done) read.push(step.value);
      }
      queue.end();
      for await (const event of queue) read.push(event);

      deepStrictEqual(folded(read), folded(sent));
      deepStrictEqual(newest(read), newest(sent));
      deepStrictEqual(lasting(read), lasting(sent));
      const kept = read.filter((one) => !isText(one));
      deepStrictEqual(
        kept,
        sent.filter((one) => kept.includes(one)),
      );
      deepStrictEqual(budget.bytes, 0);
    }),
    { numRuns: 300 },
  );
});
