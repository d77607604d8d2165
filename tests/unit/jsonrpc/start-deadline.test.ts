import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { HandshakeError } from "../../../lib/errors/start-errors.js";
import { StartDeadline } from "../../../lib/jsonrpc/start-deadline.js";

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

test("what a step takes is no longer there for the next", async () => {
  const deadline = new StartDeadline(1_000);
  const step = deadline.bound(new Promise((resolve) => setTimeout(resolve, 400, "found")));
  await jest.advanceTimersByTimeAsync(400);
  expect(await step).toBe("found");
  expect(deadline.remainingMs).toBeCloseTo(600, -1);
});

test("a step that can begin only after the time is up, when this process was stopped, gets a moment", async () => {
  const [short, long] = [new StartDeadline(500), new StartDeadline(10_000)];
  await jest.advanceTimersByTimeAsync(20_000);
  expect([short.remainingMs, long.remainingMs]).toEqual([500, 1_000]);
});

test("a step that takes too long fails the start, and what becomes of it is of no interest", async () => {
  const deadline = new StartDeadline(300);
  const step = deadline.bound(
    new Promise((_, reject) => setTimeout(reject, 400, new Error("too late"))),
  );
  const failure = step.catch((error: unknown) => error);
  await jest.advanceTimersByTimeAsync(300);
  expect(await failure).toBeInstanceOf(HandshakeError);
  expect(await failure).toMatchObject({
    code: "HANDSHAKE_FAILED",
    message:
      "No process could be started within 300 ms: looking for the program took too long. Raise startTimeoutMs if it needs longer.",
  });
  await jest.advanceTimersByTimeAsync(100);
  expect(jest.getTimerCount()).toBe(0);
});

test("a step's own failure is passed on", async () => {
  const error = new Error("not found");
  await expect(new StartDeadline(300).bound(Promise.reject(error))).rejects.toBe(error);
  expect(jest.getTimerCount()).toBe(0);
});

test("there may be no limit", async () => {
  const deadline = new StartDeadline(Infinity);
  expect(await deadline.bound(Promise.resolve(1))).toBe(1);
  expect(deadline.remainingMs).toBe(Infinity);
});
