import { expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { reply } from "../../lib/testing/index.js";
import { fleetOptions } from "../support/fleet-database.js";
import { eventsOf, FleetStage, sharedServer, until } from "../support/fleet-stage.js";
import { RedisServer } from "../support/redis-server.js";
import { FleetChild } from "./kills/child.js";

const shared = sharedServer();

/** With one place, a worker that takes another job has surely left the one before. */
const fast = { lockDuration: 2_000, stalledInterval: 500, concurrency: 1 };

test.each([
  ["handOver", { status: "completed", finalResponse: "Hello" }],
  ["interrupt", { status: "interrupted", finalResponse: null }],
] as const)(
  "a worker that was stopped for longer than its lock lasts, told to %s, finds its successor with the turn",
  async (whenLockLost, ended) => {
    await using redis = await RedisServer.start();
    await using fleet = new FleetStage(shared.server, fleetOptions(redis));
    const gate = reply.hold();
    shared.stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
    const stopped = new FleetChild({
      ...{ role: "worker", port: 0, servers: [shared.server.url], ...fast, whenLockLost },
      database: { kind: redis.kind, url: redis.url },
    });
    await stopped.start();
    try {
      const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input: "Go" });
      const seen = eventsOf(job);
      await gate.reached;
      await job.threadId();
      const marked = await fleet.store.markOf(job.id);
      stopped.signal("SIGSTOP");
      const successor = await fleet.worker(fast);
      await until(() => successor.running === 1);
      stopped.signal("SIGCONT");
      await until(() => stopped.said.includes("could not renew lock"));
      if (whenLockLost === "handOver") {
        shared.stage.model.enqueue([reply.text("Next.")]);
        // The successor has no place for it: so it is done by the one that has left the turn.
        const next = await fleet.queue.add({
          newThread: { cwd: shared.stage.project },
          input: "Next",
        });
        await expect(next.result()).resolves.toMatchObject({ finalResponse: "Next." });
        expect(successor.running).toBe(1);
        gate.release();
      }
      await expect(job.result()).resolves.toMatchObject(ended);
      gate.release();
      const events = await seen;
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      expect(events.filter(({ part }) => part.type === "end")).toHaveLength(1);
      expect(events.at(-1)?.part).toMatchObject({ type: "end", status: ended.status });
      expect(await fleet.store.markOf(job.id)).toEqual(marked);
    } finally {
      await stopped.kill();
    }
  },
);

test("a lock that is taken away has a turn interrupted, when the worker is told to, once another one has it", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const gate = reply.hold();
  shared.stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  await fleet.worker({ ...fast, whenLockLost: "interrupt" });
  const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input: "Go" });
  await gate.reached;
  await job.threadId();
  const successor = await fleet.worker(fast);
  const client = new Redis(redis.port);
  await client.del(`bull-fleet:turns:${job.id}:lock`);
  client.disconnect();
  await expect(job.result()).resolves.toMatchObject({ status: "interrupted" });
  gate.release();
  expect(fleet.troubles.join()).toContain("could not renew lock");
  await until(() => successor.running === 0);
});
