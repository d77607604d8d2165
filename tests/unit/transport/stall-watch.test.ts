import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { StallWatch } from "../../../lib/transport/stall-watch.js";

let now = 0;
const stalls: number[] = [];
let watch: StallWatch;

beforeEach(() => {
  jest.useFakeTimers();
  jest.spyOn(performance, "now").mockImplementation(() => now);
  stalls.length = 0;
  watch = new StallWatch((ms) => stalls.push(ms));
});

afterEach(() => {
  watch.stop();
  expect(jest.getTimerCount()).toBe(0);
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/** Time goes by, and timers are late when the process did nothing in it. */
function pass(ms: number, stalledMs = 0): void {
  for (let left = ms; left > 0; left -= 500) {
    now += 500;
    if (left === ms) now += stalledMs;
    jest.advanceTimersByTime(500);
  }
}

test("a process that goes on is not told anything, though its timers are a bit late", () => {
  pass(10_000, 900);
  expect(stalls).toEqual([]);
  expect(watch.recent()).toBeUndefined();
});

test("a stall is told when it has ended, and known for some seconds", () => {
  pass(500, 3_000);
  expect(stalls).toEqual([3_000]);
  expect(watch.recent()).toBe(3_000);
  pass(5_000);
  expect(watch.recent()).toBeUndefined();
});

test("of many stalls each is known, and one a minute is told", () => {
  for (let times = 0; times < 3; times += 1) pass(10_000, 2_000);
  expect(stalls).toEqual([2_000]);
  pass(500, 4_000);
  expect(watch.recent()).toBe(4_000);
  pass(60_000);
  pass(500, 5_000);
  expect(stalls).toEqual([2_000, 5_000]);
});
