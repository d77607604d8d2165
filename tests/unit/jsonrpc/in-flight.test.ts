import { expect, test } from "@jest/globals";
import { InFlightLimit } from "../../../lib/jsonrpc/in-flight.js";

function started(limit: InFlightLimit, count: number) {
  const order: number[] = [];
  const leave = Array.from({ length: count }, (_value, index) =>
    limit.enter(() => order.push(index)),
  );
  return { order, leave };
}

test("as many start at once as the limit says, the others when there is room, in order", () => {
  const { order, leave } = started(new InFlightLimit(2), 5);
  expect(order).toEqual([0, 1]);
  leave[1]?.();
  expect(order).toEqual([0, 1, 2]);
  leave[0]?.();
  leave[2]?.();
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

test("whoever leaves the line is never started, and takes no place", () => {
  const { order, leave } = started(new InFlightLimit(1), 4);
  leave[1]?.();
  leave[2]?.();
  leave[0]?.();
  expect(order).toEqual([0, 3]);
});

test("leaving twice gives back one place", () => {
  const { order, leave } = started(new InFlightLimit(1), 3);
  leave[0]?.();
  leave[0]?.();
  expect(order).toEqual([0, 1]);
});

test("one that leaves while it starts makes room at once", () => {
  const limit = new InFlightLimit(1);
  const order: string[] = [];
  limit.enter(() => order.push("first"))();
  limit.enter(() => order.push("second"));
  expect(order).toEqual(["first", "second"]);
});

test("a long line of those that leave as soon as they start is worked off, in order", () => {
  const limit = new InFlightLimit(1);
  const leaveFirst = limit.enter(() => undefined);
  const order: number[] = [];
  for (let index = 0; index < 100_000; index += 1) {
    const leave = limit.enter(() => {
      order.push(index);
      leave();
    });
  }
  leaveFirst();
  expect(order).toEqual(Array.from({ length: 100_000 }, (_value, index) => index));
});

test("never more than the limit are in flight, however they come and go", () => {
  const limit = new InFlightLimit(3);
  let active = 0;
  let most = 0;
  const leaves: (() => void)[] = [];
  for (let index = 0; index < 1_000; index += 1) {
    const leave = limit.enter(() => {
      active += 1;
      most = Math.max(most, active);
    });
    leaves.push(leave);
    if (index % 3 === 2) {
      active -= 1;
      leaves.shift()?.();
    }
  }
  expect(most).toBe(3);
});
