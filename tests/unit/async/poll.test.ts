import { expect, test } from "@jest/globals";
import { poll } from "../../../lib/async/poll.js";
import { rejection } from "../../support/collect.js";

/** A clock that notes for how long it is waited on. */
function clock() {
  const pauses: number[] = [];
  const wait = (_wake: Promise<unknown>, ms: number) => Promise.resolve(pauses.push(ms));
  return { pauses, wait };
}

test("looks until something is found, with pauses that double up to the longest", async () => {
  const { pauses, wait } = clock();
  const look = (number: number) => Promise.resolve(number === 6 ? "found" : undefined);
  expect(await poll(look, { pauseMs: 50, maxPauseMs: 300, wait })).toBe("found");
  expect(pauses).toEqual([50, 100, 200, 300, 300]);
});

test("pauses for the same time without a longest pause, and not behind the last look", async () => {
  const { pauses, wait } = clock();
  const look = (): Promise<string | undefined> => Promise.resolve(undefined);
  expect(await poll(look, { pauseMs: 50, looks: 4, wait })).toBeUndefined();
  expect(pauses).toEqual([50, 50, 50]);
});

test("ends a pause early when it is woken", async () => {
  const look = (number: number) => Promise.resolve(number === 3 ? number : undefined);
  expect(await poll(look, { pauseMs: 3_600_000, wake: Promise.resolve() })).toBe(3);
});

test("rejects with what the look throws, and with the signal's reason", async () => {
  const failure = new Error("no");
  expect(await rejection(poll<never>(() => Promise.reject(failure), { pauseMs: 1 }))).toBe(failure);
  const stop = new AbortController();
  const waiting = poll(
    () => {
      stop.abort("enough");
      return Promise.resolve(undefined);
    },
    { pauseMs: 3_600_000, signal: stop.signal },
  );
  expect(await rejection(waiting)).toBe("enough");
});
