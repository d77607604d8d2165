import { describe, expect, test } from "@jest/globals";
import { EventQueue } from "../../../lib/async/event-queue.js";
import { collect, rejection } from "../../support/collect.js";

function queueOf(...items: number[]): EventQueue<number> {
  const queue = new EventQueue<number>();
  for (const item of items) queue.push(item);
  return queue;
}

const done = { value: undefined, done: true };

test("items come out in order, those that waited and those that are waited for", async () => {
  const queue = queueOf(1, 2);
  expect(queue.size).toBe(2);
  expect(await queue.next()).toEqual({ value: 1, done: false });
  expect(await queue.next()).toEqual({ value: 2, done: false });
  const waiting = [queue.next(), queue.next()];
  queue.push(3);
  queue.push(4);
  expect(await Promise.all(waiting)).toEqual([
    { value: 3, done: false },
    { value: 4, done: false },
  ]);
  expect(queue.size).toBe(0);
});

test("it drains before it ends, and ignores what comes after the end", async () => {
  const queue = queueOf(1, 2);
  queue.end();
  queue.push(3);
  expect(await collect(queue)).toEqual([1, 2]);
  expect(await queue.next()).toEqual(done);
});

test("the end releases everybody who waits", async () => {
  const queue = queueOf();
  const waiting = [queue.next(), queue.next()];
  queue.end();
  expect(await Promise.all(waiting)).toEqual([done, done]);
});

describe("a failure", () => {
  test.each<[unknown]>([[new Error("lost")], ["lost"], [undefined], [null]])(
    "comes once, after the items before it: %p",
    async (reason) => {
      const queue = queueOf(1);
      queue.fail(reason);
      queue.fail(new Error("second"));
      expect(await queue.next()).toEqual({ value: 1, done: false });
      expect(await rejection(queue.next())).toBe(reason);
      expect(await queue.next()).toEqual(done);
    },
  );

  test("goes to the first who waits; the others see the end", async () => {
    const queue = queueOf();
    const first = rejection(queue.next());
    const second = queue.next();
    queue.fail("lost");
    expect(await first).toBe("lost");
    expect(await second).toEqual(done);
    expect(await queue.next()).toEqual(done);
  });

  test("after the end changes nothing", async () => {
    const queue = queueOf(1);
    queue.end();
    queue.fail("late");
    expect(await collect(queue)).toEqual([1]);
  });
});

describe("leaving early", () => {
  test("calls onReturn once and waits for it", async () => {
    const steps: string[] = [];
    const queue = new EventQueue<number>(async () => {
      await Promise.resolve();
      steps.push("cleaned up");
    });
    queue.push(1);
    queue.push(2);
    for await (const item of queue) {
      steps.push(`got ${item}`);
      break;
    }
    steps.push("left");
    expect(await queue.return()).toEqual(done);
    expect(steps).toEqual(["got 1", "cleaned up", "left"]);
    queue.push(3);
    expect(queue.size).toBe(0);
    expect(await queue.next()).toEqual(done);
  });

  test.each(["end", "fail"] as const)("after %s() calls nothing", async (how) => {
    let calls = 0;
    const queue = new EventQueue<number>(() => {
      calls += 1;
    });
    queue.push(1);
    if (how === "end") queue.end();
    else queue.fail("lost");
    expect(await queue.return()).toEqual(done);
    expect(await queue.next()).toEqual(done);
    expect(calls).toBe(0);
  });

  test("releases whoever waits for an item", async () => {
    const queue = queueOf();
    const waiting = queue.next();
    await queue.return();
    expect(await waiting).toEqual(done);
  });
});

test("clear() drops what waits, and nothing else", async () => {
  const queue = queueOf(1, 2);
  queue.clear();
  queue.push(3);
  queue.end();
  expect(await collect(queue)).toEqual([3]);
});

test("200,000 items cost linear time: else this takes a minute", async () => {
  const count = 200_000;
  const queue = new EventQueue<number>();
  for (let item = 0; item < count; item += 1) queue.push(item);
  queue.end();
  let expected = 0;
  for await (const item of queue) if (item === expected) expected += 1;
  expect(expected).toBe(count);
});
