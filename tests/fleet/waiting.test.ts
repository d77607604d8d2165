import { expect, test } from "@jest/globals";
import { TurnJobPendingError } from "../../lib/index.js";
import type { JobResultOptions, TurnJob } from "../../lib/fleet/index.js";
import { FakeAppServer } from "../../lib/testing/index.js";
import { fleetOptions } from "../support/fleet-database.js";
import { fakeFleets, FleetStage } from "../support/fleet-stage.js";
import { persist } from "../support/persist.js";
import { RedisServer } from "../support/redis-server.js";

const stage = fakeFleets();
const never = new AbortController().signal;

/** Each way to wait for a job. */
const waits: Readonly<
  Record<string, (job: TurnJob, options: JobResultOptions) => Promise<unknown>>
> = {
  result: (job, options) => job.result(options),
  threadId: (job, options) => job.threadId(options),
  interrupt: (job, options) => job.interrupt(options),
  steer: (job, options) => job.steer("more", options),
  answer: (job, options) => job.answer("key", "accept", options),
  stream: (job, { signal }) => job.stream({ signal }).next(),
};

test("a wait ends with its signal, and its time is up, also while the database says nothing", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(new FakeAppServer(), fleetOptions(redis));
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  await redis.stop();
  try {
    // The store itself says after 5 s that its database is away.
    const away = fleet.store.hosts().catch((error: unknown) => error);
    const over = new AbortController();
    const reason = new Error("enough");
    const aborted = Object.values(waits).map((wait) => wait(job, { signal: over.signal }));
    const late = job.result({ timeoutMs: 100 });
    over.abort(reason);
    for (const wait of aborted) {
      await expect(Promise.race([wait, away])).rejects.toBe(reason);
    }
    await expect(Promise.race([late, away])).rejects.toThrow(TurnJobPendingError);
  } finally {
    await redis.goOn();
  }
});

test("with a signal that is aborted nothing is asked of a turn", async () => {
  await using fleet = stage();
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  for (const wait of Object.values(waits)) await expect(wait(job, { signal })).rejects.toBe(reason);
  const look = { waitMs: 0, signal: never };
  expect(await fleet.store.commands(job.id, 0, look)).toEqual([]);
});

test("a queue that is closed takes no turns, and leaves nothing of what it was given", async () => {
  await using fleet = stage();
  await fleet.queue.close();
  const given = { thread: "thread", input: "hello", idempotencyKey: "key" };
  await expect(fleet.queue.add(given)).rejects.toThrow("queue is closed");
  expect(await fleet.store.firstInLine("thread")).toBeUndefined();
});

test("whoever closes a queue once more waits for the same end", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(new FakeAppServer(), fleetOptions(redis));
  await fleet.queue.add({ newThread: {}, input: "hello" });
  await redis.stop();
  try {
    const ends: string[] = [];
    const first = fleet.queue.close({ forceAfterMs: 300 }).then(() => ends.push("first"));
    const second = fleet.queue.close().then(() => ends.push("second"));
    await Promise.all([first, second]);
    expect(ends).toEqual(["first", "second"]);
  } finally {
    await redis.goOn();
  }
});

test("a turn that is added while its queue closes is there, or is said to be not added", async () => {
  await using fleet = stage();
  // The queue has its connection.
  await fleet.queue.add({ newThread: {}, input: "before" });
  const adding = Array.from({ length: 10 }, () =>
    fleet.queue.add({ newThread: {}, input: "meanwhile" }),
  );
  await fleet.queue.close();
  for (const each of await Promise.allSettled(adding)) {
    if (each.status === "rejected") expect(String(each.reason)).toContain("queue is closed");
    else expect(each.value.id).not.toBe("");
  }
});

test("a turn that could not be added while the database was away is added under the same key, once", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(new FakeAppServer(), fleetOptions(redis));
  fleet.server.onTurn("done");
  const given = { newThread: {}, input: "hello", idempotencyKey: "key" };
  await redis.kill();
  await expect(fleet.queue.add(given)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await redis.restart();
  const jobs = [1, 2].map(() => persist(() => fleet.queue.add(given), never));
  await fleet.worker();
  for (const job of jobs) await (await job).result();
  expect(fleet.server.paramsOf("turn/start")).toHaveLength(1);
});
