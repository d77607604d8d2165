import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { ToldUsage } from "../support/told-usage.js";

/** A turn as the server may run it, with what happens between its updates. */
const turn = fc.record({
  thread: fc.constantFrom("one", "two"),
  kind: fc.constantFrom("answer", "compaction", "cut"),
  responses: fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 4 }),
  /** How often each update is told once more. */
  repeats: fc.integer({ min: 0, max: 2 }),
  /** What comes behind: nothing, the thread loaded anew, or another server process. */
  behind: fc.constantFrom("nothing", "resume", "restart"),
  /** Whether the connection is away for a moment, in which one update is missed; not for the last one. */
  misses: fc.boolean(),
});

interface Counted {
  total: number;
  last: number;
  turnId: string;
}

test("each token counts once, whatever the server repeats and wherever a connection or a server ends", () => {
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 12 }), (turns) => {
      const told = new ToldUsage();
      const threads = new Map<string, Counted>();
      let truth = 0;
      const tell = (thread: string, turnId: string, repeats: number, last?: number): void => {
        const { total, last: newest } = threads.get(thread) ?? { total: 0, last: 0 };
        for (let i = 0; i <= repeats; i += 1) told.used(thread, turnId, total, last ?? newest);
      };
      turns.forEach(({ thread, kind, responses, repeats, behind, misses }, index) => {
        if (!threads.has(thread)) {
          threads.set(thread, { total: 0, last: 0, turnId: "" });
          told.opened(thread);
        }
        const counted = threads.get(thread) as Counted;
        const turnId = `turn-${index}`;
        told.started(thread, turnId);
        const isCompaction = kind === "compaction";
        if (isCompaction) {
          told.item(thread, turnId, "contextCompaction", "started");
          if (counted.total > 0) tell(thread, turnId, repeats);
        }
        // To summarise takes one response.
        const given = isCompaction ? responses.slice(0, 1) : responses;
        given.forEach((tokens, position) => {
          Object.assign(counted, { total: counted.total + tokens, last: tokens, turnId });
          truth += tokens;
          const isMissed = misses && position < given.length - 1;
          if (isMissed) told.ledger.dropped(told.context);
          else tell(thread, turnId, repeats);
          if (kind === "answer") told.item(thread, turnId, "agentMessage", "completed");
        });
        if (isCompaction) {
          if (given.length > 0) tell(thread, turnId, repeats, 60_000);
          told.item(thread, turnId, "contextCompaction", "completed");
        }
        if (kind === "cut" && counted.total > 0) tell(thread, turnId, repeats);
        told.completed(thread, turnId, kind === "cut" ? "interrupted" : "completed");
        if (behind === "restart") told.ledger.lost(told.context);
        // Only a thread that was loaded anew tells where it stands; after a restart all of them are.
        const loaded =
          behind === "restart" ? [...threads.keys()] : behind === "resume" ? [thread] : [];
        for (const each of loaded) {
          told.opened(each, "thread/resume");
          const { total, turnId: newest } = threads.get(each) as Counted;
          if (total > 0) tell(each, newest, repeats);
        }
      });
      const sum = Object.values(told.totals).reduce<number>(
        (all, tokens) => all + (tokens ?? 0),
        0,
      );
      expect(sum).toBe(truth);
      const summaries = turns.map((_, index) => told.ledger.summaryOf(`turn-${index}`));
      expect(summaries.reduce((all, one) => all + (one?.tokens.total ?? 0), 0)).toBe(truth);
    }),
    { numRuns: 500 },
  );
});
