import { describe, expect, test } from "@jest/globals";
import { Backlog, type BacklogRules } from "../../../lib/async/backlog.js";
import { EventQueue } from "../../../lib/async/event-queue.js";
import { collect, rejection } from "../../support/collect.js";

/** Texts that begin with the same letter go on with each other; each counts its length. */
const rules: BacklogRules<string> = {
  maxWeight: 20,
  weigh: (text) => text.length,
  overflow: () => new Error("too much"),
  mergeFrom: 2,
  startMerge: (first) => {
    const parts = [first];
    return {
      add: (next) => (next[0] === first[0] ? parts.push(next) && next.length : undefined),
      toItem: () => parts.join("+"),
    };
  },
};

function backlogOf(...items: string[]): Backlog<string> {
  const backlog = new Backlog(rules);
  for (const item of items) backlog.push(item);
  return backlog;
}

function drain(backlog: Backlog<string>): string[] {
  return Array.from({ length: backlog.size }, () => backlog.shift() as string);
}

describe("merging", () => {
  test("begins when as many wait as the rules say", () => {
    expect(drain(backlogOf("a1", "a2"))).toEqual(["a1", "a2"]);
    expect(drain(backlogOf("a1", "a2", "a3", "a4"))).toEqual(["a1", "a2+a3+a4"]);
  });

  test("joins only what follows one another", () => {
    expect(drain(backlogOf("a1", "b1", "b2", "a2", "b3", "b4"))).toEqual([
      "a1",
      "b1+b2",
      "a2",
      "b3+b4",
    ]);
  });

  test("goes on with the newest only as long as it waits", () => {
    const backlog = backlogOf("a1", "a2", "a3");
    expect(backlog.shift()).toBe("a1");
    expect(backlog.shift()).toBe("a2+a3");
    expect(backlog.shift()).toBeUndefined();
    backlog.push("a4");
    backlog.push("a5");
    backlog.push("a6");
    expect(drain(backlog)).toEqual(["a4", "a5+a6"]);
  });

  test("keeps its place, and what it has joined, when others are dropped", () => {
    const backlog = backlogOf("b1", "a1", "a2", "b2", "a3");
    backlog.retain((text) => text.startsWith("a"));
    backlog.push("a4");
    expect(drain(backlog)).toEqual(["a1+a2", "a3+a4"]);
  });
});

describe("the limit", () => {
  test("counts what waits, merged or not, and not what was taken", () => {
    const backlog = backlogOf("a234567890", "a2345", "a2345");
    expect(backlog.push("a")).toBe(false);
    expect(backlog.shift()).toBe("a234567890");
    expect(backlog.push("b23456789")).toBe(true);
    expect(backlog.push("b")).toBe(false);
  });

  test("counts no more what was dropped", () => {
    const backlog = backlogOf("a234567890", "b234567890");
    backlog.retain((text) => text.startsWith("b"));
    expect(backlog.push("c234567890")).toBe(true);
    backlog.clear();
    expect(backlog.push("d2345678901234567890")).toBe(true);
    expect(backlog.size).toBe(1);
  });

  test("is none without rules", () => {
    const backlog = new Backlog<string>();
    expect(Array.from({ length: 5_000 }, () => backlog.push("a")).every(Boolean)).toBe(true);
    expect(backlog.size).toBe(5_000);
  });
});

describe("a queue that overflows", () => {
  test("drops what waits at once, throws once, and takes no more", async () => {
    const queue = new EventQueue(undefined, rules);
    for (const item of ["a234567890", "b234567890", "c", "d"]) queue.push(item);
    expect(queue.size).toBe(0);
    expect(await rejection(queue.next())).toEqual(new Error("too much"));
    expect(await collect(queue)).toEqual([]);
  });

  test("does not overflow while its consumer keeps up", async () => {
    const queue = new EventQueue(undefined, rules);
    const read = collect(queue);
    for (let count = 0; count < 100; count += 1) {
      queue.push("a234567890");
      await Promise.resolve();
    }
    queue.end();
    expect(await read).toHaveLength(100);
  });

  test.each([
    ["calls onReturn when it is left before the error was seen", false, 1],
    ["calls nothing when it is left after that", true, 0],
  ])("%s", async (_name, seen, calls) => {
    let called = 0;
    const queue = new EventQueue<string>(() => {
      called += 1;
    }, rules);
    queue.push("a".repeat(21));
    if (seen) await rejection(queue.next());
    await queue.return();
    await queue.return();
    expect(called).toBe(calls);
  });
});

describe("items that make older ones superfluous", () => {
  /** "a:1" and "a:2" are of one name; from four items or 12 characters on the consumer lags. */
  const superseding: BacklogRules<string> = {
    maxWeight: 100_000,
    weigh: (text) => text.length,
    overflow: () => new Error("too much"),
    mergeFrom: 4,
    lagWeight: 12,
    keyOf: (text) => (text.includes(":") ? text.split(":")[0] : undefined),
  };

  function lagging(...items: string[]): Backlog<string> {
    const backlog = new Backlog(superseding);
    for (const item of items) backlog.push(item);
    return backlog;
  }

  test("are kept while the consumer does not lag", () => {
    expect(drain(lagging("a:1", "a:2", "a:3", "a:4"))).toEqual(["a:1", "a:2", "a:3", "a:4"]);
  });

  test("replace the newest of their name, and stand where they came", () => {
    expect(drain(lagging("x", "a:1", "y", "b:1", "a:2", "z", "b:2", "a:3"))).toEqual([
      "x",
      "y",
      "z",
      "b:2",
      "a:3",
    ]);
  });

  test("do so from a weight on, too", () => {
    expect(drain(lagging("a:1234567890", "a:2", "b:1"))).toEqual(["a:2", "b:1"]);
  });

  test("do not replace what has been taken", () => {
    const backlog = lagging("a:1", "x", "y", "z", "b:1");
    expect(backlog.shift()).toBe("a:1");
    backlog.push("a:2");
    backlog.push("a:3");
    expect(drain(backlog)).toEqual(["x", "y", "z", "b:1", "a:3"]);
    expect(backlog.size).toBe(0);
    for (const item of ["a:4", "a:5"]) backlog.push(item);
    expect(drain(backlog)).toEqual(["a:4", "a:5"]);
  });

  test("cost nothing that grows, however many there are", () => {
    const backlog = lagging("x", "y", "z", "w");
    for (let count = 0; count < 100_000; count += 1) {
      backlog.push(`a:${count}`);
      backlog.push(`b:${count}`);
    }
    expect(drain(backlog)).toEqual(["x", "y", "z", "w", "a:99999", "b:99999"]);
  });
});
