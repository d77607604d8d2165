import { test } from "@jest/globals";
import { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import { EventQueue } from "../../lib/async/event-queue.js";

type Command = "push" | "next" | "end" | "fail" | "return";
type Outcome = "waits" | { item: number } | "done" | { thrown: string };

const commands = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Command>("push") },
    { weight: 6, arbitrary: fc.constant<Command>("next") },
    { weight: 1, arbitrary: fc.constantFrom<Command>("end", "fail", "return") },
  ),
  { maxLength: 60 },
);

/** What the queue promises, in the plainest way to say it. */
class Model {
  /** What each call of `next()` has come to so far. */
  readonly outcomes: Outcome[] = [];
  returns = 0;
  readonly #max: number;
  #items: number[] = [];
  #waiting: number[] = [];
  #end: "none" | "done" | { thrown: string; leaves: boolean } = "none";

  constructor(max: number) {
    this.#max = max;
  }

  push(item: number): void {
    if (this.#end !== "none") return;
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) this.outcomes[waiter] = { item };
    else this.#items.push(item);
    if (this.#items.length <= this.#max) return;
    this.#items = [];
    this.#end = { thrown: "too much", leaves: true };
  }

  next(): void {
    const item = this.#items.shift();
    if (item !== undefined) {
      this.outcomes.push({ item });
    } else if (this.#end === "none") {
      this.#waiting.push(this.outcomes.push("waits") - 1);
    } else {
      this.outcomes.push(this.#end === "done" ? "done" : { thrown: this.#end.thrown });
      this.#end = "done";
    }
  }

  end(): void {
    if (this.#end !== "none") return;
    this.#end = "done";
    for (const waiter of this.#waiting.splice(0)) this.outcomes[waiter] = "done";
  }

  fail(thrown: string): void {
    if (this.#end !== "none") return;
    const [first, ...others] = this.#waiting.splice(0);
    this.#end = first === undefined ? { thrown, leaves: false } : "done";
    if (first !== undefined) this.outcomes[first] = { thrown };
    for (const waiter of others) this.outcomes[waiter] = "done";
  }

  return(): void {
    if (this.#end === "none" || (this.#end !== "done" && this.#end.leaves)) this.returns += 1;
    if (this.#end === "none") this.end();
    this.#items = [];
    this.#end = "done";
  }
}

test("whatever is done to it in whatever order, the queue does what the model does", async () => {
  await fc.assert(
    fc.asyncProperty(commands, fc.constantFrom(3, Infinity), async (list, max) => {
      const model = new Model(max);
      let returns = 0;
      const rules = { maxWeight: max, weigh: () => 1, overflow: () => new Error("too much") };
      const queue = new EventQueue<number>(() => void (returns += 1), rules);
      const outcomes: Outcome[] = [];
      for (const [index, command] of list.entries()) {
        switch (command) {
          case "push":
            queue.push(index);
            model.push(index);
            break;
          case "next": {
            const place = outcomes.push("waits") - 1;
            void queue.next().then(
              ({ done, value }) => (outcomes[place] = done ? "done" : { item: value }),
              (error: unknown) => (outcomes[place] = { thrown: (error as Error).message }),
            );
            model.next();
            break;
          }
          case "end":
            queue.end();
            model.end();
            break;
          case "fail":
            queue.fail(new Error("failed"));
            model.fail("failed");
            break;
          case "return":
            await queue.return();
            model.return();
        }
        for (let turn = 0; turn < 3; turn += 1) await Promise.resolve();
        deepStrictEqual(outcomes, model.outcomes);
      }
      deepStrictEqual(returns, model.returns);
    }),
    { numRuns: 400 },
  );
});
