import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { Keepalive } from "../../../lib/transport/keepalive.js";

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["setImmediate"] });
});

afterEach(() => {
  jest.useRealTimers();
});

/** A connection on which nothing happens but what the test makes happen. */
function watched(intervalMs = 1_000) {
  const seen = { received: 0, sentOn: 0, isPaused: false, pings: 0, lost: 0 };
  const keepalive = new Keepalive({
    intervalMs,
    timeoutMs: 500,
    received: () => seen.received,
    sentOn: () => seen.sentOn,
    isPaused: () => seen.isPaused,
    ping: () => (seen.pings += 1),
    onLost: () => (seen.lost += 1),
  });
  return { seen, keepalive };
}

/** Timers, and what they put off until the sockets have been read. */
async function after(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await new Promise(setImmediate);
}

test("silence is asked about, and lost when it goes on", async () => {
  const { seen } = watched();
  await after(1_000);
  expect(seen).toMatchObject({ pings: 1, lost: 0 });
  await after(500);
  expect(seen).toMatchObject({ pings: 1, lost: 1 });
  expect(jest.getTimerCount()).toBe(0);
});

test("nothing is asked while something comes", async () => {
  const { seen, keepalive } = watched();
  for (let time = 0; time < 10_000; time += 500) {
    seen.received += 1;
    await after(500);
  }
  expect(seen).toMatchObject({ pings: 0, lost: 0 });
  keepalive.stop();
  expect(jest.getTimerCount()).toBe(0);
});

test("what goes out puts off no question, and excuses a missing answer", async () => {
  const { seen } = watched();
  for (let asked = 1; asked < 4; asked += 1) {
    seen.sentOn += 1;
    await after(1_000);
    expect(seen).toMatchObject({ pings: asked, lost: 0 });
    seen.sentOn += 1;
    await after(500);
    expect(seen).toMatchObject({ pings: asked, lost: 0 });
  }
  await after(1_000);
  await after(500);
  expect(seen).toMatchObject({ pings: 4, lost: 1 });
});

test("nothing is asked, and no answer missed, while nothing is taken in on purpose", async () => {
  const { seen } = watched();
  seen.isPaused = true;
  await after(10_000);
  expect(seen).toMatchObject({ pings: 0, lost: 0 });
  seen.isPaused = false;
  await after(1_000);
  expect(seen).toMatchObject({ pings: 1, lost: 0 });
  seen.isPaused = true;
  await after(500);
  expect(seen).toMatchObject({ pings: 1, lost: 0 });
  seen.isPaused = false;
  await after(1_000);
  await after(500);
  expect(seen).toMatchObject({ pings: 2, lost: 1 });
});

test("a server that is slow to answer is not asked faster for answering: once a second at most", async () => {
  const { seen, keepalive } = watched(1);
  for (let time = 0; time < 5_000; time += 1) {
    await after(1);
    // The real one answers at once, and again behind what it is sending, as much as that may be.
    if (seen.pings > 0) keepalive.answered();
  }
  expect(seen).toMatchObject({ pings: 5, lost: 0 });
  keepalive.stop();
});
