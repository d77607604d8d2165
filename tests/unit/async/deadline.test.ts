import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { noteArrival } from "../../../lib/async/arrivals.js";
import { onDeadline } from "../../../lib/async/deadline.js";
import { settleWithin } from "../../../lib/async/timers.js";
import { withinDeadline } from "../../../lib/jsonrpc/within-deadline.js";
import { holdUp } from "../../support/hold-up.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";

afterEach(() => {
  jest.useRealTimers();
});

const round = () => new Promise(setImmediate);

/** A deadline of 100 ms that has just passed, by a clock that the test turns. */
function passed() {
  jest.useFakeTimers({ doNotFake: ["setImmediate"] });
  const expired = jest.fn();
  const stop = onDeadline(100, expired);
  jest.advanceTimersByTime(100);
  return { expired, stop };
}

describe("onDeadline", () => {
  test("calls back when nothing comes in the round that follows", async () => {
    const { expired } = passed();
    expect(expired).not.toHaveBeenCalled();
    await round();
    expect(expired).toHaveBeenCalledTimes(1);
  });

  test("waits as long as each round brings something", async () => {
    const { expired } = passed();
    for (let count = 0; count < 20; count += 1) {
      noteArrival(100);
      await round();
      expect(expired).not.toHaveBeenCalled();
    }
    await round();
    expect(expired).toHaveBeenCalledTimes(1);
  });

  test("gives a server that was held up by a full pipe a moment to write on", async () => {
    const { expired } = passed();
    noteArrival(65_536);
    for (let count = 0; count < 3; count += 1) {
      await round();
      jest.advanceTimersByTime(249);
      await round();
      noteArrival(10);
      jest.advanceTimersByTime(1);
      await round();
      expect(expired).not.toHaveBeenCalled();
    }
    jest.advanceTimersByTime(250);
    await round();
    expect(expired).toHaveBeenCalledTimes(1);
  });

  test("is put off by no more than two seconds when it is that short", async () => {
    const { expired } = passed();
    let rounds = 0;
    while (expired.mock.calls.length === 0) {
      noteArrival(65_536);
      await round();
      jest.advanceTimersByTime(250);
      rounds += 1;
    }
    expect(rounds).toBeGreaterThanOrEqual(8);
    expect(rounds).toBeLessThanOrEqual(10);
  });

  test("can be stopped at any moment", async () => {
    jest.useFakeTimers({ doNotFake: ["setImmediate"] });
    const expired = jest.fn();
    const stops = [0, 1, 2].map(() => onDeadline(100, expired));
    stops[0]?.();
    jest.advanceTimersByTime(100);
    stops[1]?.();
    noteArrival(65_536);
    await round();
    stops[2]?.();
    expect(jest.getTimerCount()).toBe(0);
    await round();
    expect(expired).not.toHaveBeenCalled();
  });

  test("never comes when it is Infinity, or further away than timers go", () => {
    jest.useFakeTimers();
    for (const ms of [Infinity, 2 ** 31]) onDeadline(ms, () => undefined)();
    onDeadline(Infinity, () => undefined);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe("after a time in which the event loop was blocked", () => {
  let directory: TempDir;
  beforeEach(async () => {
    directory = await makeTempDir();
  });
  afterEach(() => directory.remove());

  /** Blocks the process for longer than its deadline of 100 ms, until something lies in the pipe. */
  function newsInBlockedTime(): Promise<"news"> {
    const written = path.join(directory.path, "written");
    const command = `echo news; touch ${written}`;
    const child = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "ignore"] });
    setImmediate(() => {
      holdUp(200, () => existsSync(written));
    });
    return once(child.stdout, "data").then(() => "news");
  }

  test("settleWithin() settles with what had come", async () => {
    const outcome = settleWithin(newsInBlockedTime(), 100);
    expect(await outcome).toBe("news");
  });

  test("what waited for a connection has some time left when that is back", async () => {
    const ready = newsInBlockedTime().then(() => undefined);
    const left = withinDeadline(ready, 100, undefined);
    expect(await left).toBe(100);
  });

  test("and still times out when nothing has", async () => {
    const silent = new PassThrough();
    const outcome = settleWithin(once(silent, "data"), 100);
    holdUp(300);
    expect(await outcome).toBe("timeout");
  });
});
