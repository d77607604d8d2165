import { describe, expect, test } from "@jest/globals";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { BacklogRules } from "../../../lib/async/backlog.js";
import { BacklogBudget } from "../../../lib/async/backlog-budget.js";
import { EventQueue } from "../../../lib/async/event-queue.js";
import { collect, rejection } from "../../support/collect.js";

const rules: BacklogRules<string> = {
  maxWeight: 100,
  weigh: (text) => text.length,
  overflow: () => new Error("too much here"),
};

function budgetOf(maxBytes: number): BacklogBudget {
  return new BacklogBudget(maxBytes, () => new Error("too much in total"));
}

function queueIn(budget: BacklogBudget, ...items: string[]): EventQueue<string> {
  const queue = new EventQueue<string>(undefined, rules);
  queue.countIn(budget);
  for (const item of items) queue.push(item);
  return queue;
}

describe("what waits for several consumers", () => {
  test("is dropped when it is too much in total: that of the one who has most", async () => {
    const budget = budgetOf(10);
    const [small, large] = [queueIn(budget, "aaa"), queueIn(budget, "bb", "bbb")];
    small.push("aa");
    expect(budget.bytes).toBe(10);
    small.push("a");
    expect(budget.bytes).toBe(5);
    expect(((await rejection(small.next())) as Error).message).toBe("too much in total");
    large.end();
    expect(await collect(large)).toEqual(["bb", "bbb"]);
    expect(budget.bytes).toBe(0);
  });

  test("counts until it is read, left, or dropped for another reason", async () => {
    const budget = budgetOf(1_000);
    const [read, left, full] = [
      queueIn(budget, "aaa", "aa"),
      queueIn(budget, "bbbb"),
      queueIn(budget, "c".repeat(100)),
    ];
    expect(budget.bytes).toBe(109);
    await read.next();
    expect(budget.bytes).toBe(106);
    await left.return();
    expect(budget.bytes).toBe(102);
    full.push("c");
    expect(budget.bytes).toBe(2);
    expect(((await rejection(full.next())) as Error).message).toBe("too much here");
    read.retain(() => false);
    expect(budget.bytes).toBe(0);
  });

  test("counts too when it came before the budget was known, and only once", () => {
    const budget = budgetOf(1_000);
    const queue = new EventQueue<string>(undefined, rules);
    queue.push("aaa");
    queue.countIn(budget);
    queue.countIn(budget);
    expect(budget.bytes).toBe(3);
  });

  test("is not passed over in silence when the queue had come to its end", async () => {
    const budget = budgetOf(10);
    const ended = queueIn(budget, "a".repeat(8));
    ended.end();
    queueIn(budget, "bbb");
    expect(((await rejection(ended.next())) as Error).message).toBe("too much in total");
    expect(await ended.next()).toEqual({ value: undefined, done: true });
  });

  test("ends with what the queue has failed with, if it has", async () => {
    const budget = budgetOf(10);
    const failed = queueIn(budget, "a".repeat(8));
    failed.fail(new Error("the connection is lost"));
    queueIn(budget, "bbb");
    expect(((await rejection(failed.next())) as Error).message).toBe("the connection is lost");
  });
});

test("what nobody can read any more stops counting when it is collected", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const budget = budgetOf(1_000);
  (() => {
    for (let count = 0; count < 10; count += 1) queueIn(budget, "a".repeat(50));
  })();
  expect(budget.bytes).toBe(500);
  while (budget.bytes > 0) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
});
