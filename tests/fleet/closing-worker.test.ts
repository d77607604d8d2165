import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { reply } from "../../lib/testing/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { eventsOf, RealFleet, until } from "../support/real-fleet.js";
import { RealStage } from "../support/real.js";
import { RedisServer } from "../support/redis-server.js";

let stage: RealStage;
let server: ListeningServer;

beforeAll(async () => {
  stage = await RealStage.open();
  server = await ListeningServer.start(stage);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await stage.close();
});

function requestsFor(input: string): number {
  return stage.model.requests.filter(({ lastUserText }) => lastUserText === input).length;
}

test("a worker that drains finishes what ends in time, leaves the rest and what waits to another, and nothing begins twice", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new RealFleet(redis);
  const short = reply.hold();
  const long = reply.hold();
  stage.model.respond(({ lastUserText }) => {
    if (lastUserText === "short") return reply.text(["Short", short, "."]);
    if (lastUserText === "long") return reply.text(["Long", long, "."]);
    return reply.text(`${lastUserText}.`);
  });
  const first = await fleet.worker(server, { concurrency: 2 });
  const newThread = { cwd: stage.project };
  const shortJob = await fleet.queue.add({ newThread, input: "short" });
  const longJob = await fleet.queue.add({ newThread, input: "long" });
  const seen = eventsOf(longJob);
  await Promise.all([short.reached, long.reached]);
  const thread = await longJob.threadId();
  const waiting = await fleet.queue.add({ newThread, input: "waiting" });
  const behind = await fleet.queue.add({ thread, input: "behind" });
  const drained = first.close({ drainMs: 3_000 });
  short.release();
  await expect(shortJob.result()).resolves.toMatchObject({ finalResponse: "Short." });
  await drained;
  expect(first.running).toBe(0);
  // What did not end in time is for another worker, as is what it had no place for.
  expect((await longJob.state()).state).toBe("waiting");
  expect((await waiting.state()).state).toBe("waiting");
  expect([requestsFor("waiting"), requestsFor("behind")]).toEqual([0, 0]);
  const second = await fleet.worker(server, { concurrency: 2 });
  await expect(waiting.result()).resolves.toMatchObject({ finalResponse: "waiting." });
  long.release();
  await expect(longJob.result()).resolves.toMatchObject({ finalResponse: "Long." });
  await expect(behind.result()).resolves.toMatchObject({ finalResponse: "behind." });
  const events = await seen;
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  for (const input of ["short", "long", "waiting", "behind"]) expect(requestsFor(input)).toBe(1);
  // A worker with nothing to wait for does not use the time it is given.
  await until(() => second.running === 0);
  const began = performance.now();
  await second.close({ drainMs: 60_000 });
  expect(performance.now() - began).toBeLessThan(30_000);
  expect(fleet.troubles).toEqual([]);
});

test.each(["SIGSTOP", "SIGKILL"] as const)(
  "a worker whose Redis is away (%s) closes within its time, says so, and its turn goes on elsewhere",
  async (signal) => {
    await using redis = await RedisServer.start();
    await using fleet = new RealFleet(redis);
    const gate = reply.hold();
    const input = `Outlive ${signal}`;
    stage.model.respond(({ lastUserText }) =>
      reply.text(lastUserText === input ? ["Hel", gate, "lo"] : "?"),
    );
    const lock = { lockDuration: 2_000, stalledInterval: 500 };
    const first = await fleet.worker(server, lock);
    const job = await fleet.queue.add({ newThread: { cwd: stage.project }, input });
    const seen = eventsOf(job);
    await gate.reached;
    await job.threadId();
    if (signal === "SIGSTOP") process.kill(redis.pid, signal);
    else await redis.kill();
    await first.close({ forceAfterMs: 300 });
    expect(first.running).toBe(0);
    expect(fleet.troubles.join("\n")).toContain("were closed by force");
    if (signal === "SIGSTOP") process.kill(redis.pid, "SIGCONT");
    else await redis.restart();
    await fleet.worker(server, lock);
    gate.release();
    await expect(job.result()).resolves.toMatchObject({ finalResponse: "Hello" });
    const events = await seen;
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(requestsFor(input)).toBe(1);
  },
);

test("a queue whose Redis is away closes, too", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new RealFleet(redis);
  await fleet.queue.add({ newThread: {}, input: "any" });
  process.kill(redis.pid, "SIGSTOP");
  await fleet.queue.close({ forceAfterMs: 300 });
  expect(fleet.troubles.join("\n")).toContain("were closed by force");
});
