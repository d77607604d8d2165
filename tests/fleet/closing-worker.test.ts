import { expect, test } from "@jest/globals";
import { FakeAppServer, reply } from "../../lib/testing/index.js";
import { fleetOptions, startDatabase } from "../support/fleet-database.js";
import { eventsOf, FleetStage, sharedServer, until } from "../support/fleet-stage.js";
import { RedisServer } from "../support/redis-server.js";

const shared = sharedServer();

function requestsFor(input: string): number {
  return shared.stage.model.requests.filter(({ lastUserText }) => lastUserText === input).length;
}

test("a worker that drains finishes what ends in time, leaves the rest and what waits to another, and nothing begins twice", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const short = reply.hold();
  const long = reply.hold();
  shared.stage.model.respond(({ lastUserText }) => {
    if (lastUserText === "short") return reply.text(["Short", short, "."]);
    if (lastUserText === "long") return reply.text(["Long", long, "."]);
    return reply.text(`${lastUserText}.`);
  });
  const first = await fleet.worker({ concurrency: 2 });
  const newThread = { cwd: shared.stage.project };
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
  const second = await fleet.worker({ concurrency: 2 });
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

test.each([
  ["redis", "SIGSTOP", "were closed by force"],
  ["redis", "SIGKILL", "were closed by force"],
  ["postgres", "SIGSTOP", "were closed by force"],
  // Whatever waits for it hears of its end at once.
  ["postgres", "SIGKILL", "unexpected postmaster exit"],
] as const)(
  "a worker whose %s is away (%s) closes within its time, says so, and its turn goes on elsewhere",
  async (kind, signal, trouble) => {
    await using database = await startDatabase(kind);
    await using fleet = new FleetStage(shared.server, fleetOptions(database));
    const gate = reply.hold();
    const input = `Outlive ${signal} of ${kind}`;
    shared.stage.model.respond(({ lastUserText }) =>
      reply.text(lastUserText === input ? ["Hel", gate, "lo"] : "?"),
    );
    const lock = { lockDuration: 2_000, stalledInterval: 500 };
    const first = await fleet.worker(lock);
    const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input });
    const seen = eventsOf(job);
    await gate.reached;
    await job.threadId();
    if (signal === "SIGSTOP") await database.stop();
    else await database.kill();
    await first.close({ forceAfterMs: 300 });
    expect(first.running).toBe(0);
    expect(fleet.troubles.join("\n")).toContain(trouble);
    if (signal === "SIGSTOP") await database.goOn();
    else await database.restart();
    await fleet.worker(lock);
    gate.release();
    await expect(job.result()).resolves.toMatchObject({ finalResponse: "Hello" });
    const events = await seen;
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(requestsFor(input)).toBe(1);
  },
);

test.each(["redis", "postgres"] as const)("a queue whose %s is away closes, too", async (kind) => {
  await using database = await startDatabase(kind);
  await using fleet = new FleetStage(new FakeAppServer(), fleetOptions(database));
  await fleet.queue.add({ newThread: {}, input: "any" });
  await database.stop();
  await fleet.queue.close({ forceAfterMs: 300 });
  // PostgreSQL's connections end without a word of it.
  const forced = kind === "redis" ? [expect.stringContaining("were closed by force")] : [];
  expect(fleet.troubles).toEqual(forced);
  await database.goOn();
});
