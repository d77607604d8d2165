import { expect, test } from "@jest/globals";
import { Deferred } from "../../lib/async/deferred.js";
import { TurnWorker } from "../../lib/fleet/index.js";
import { freePort } from "../support/free-port.js";
import { fakeFleets } from "../support/fleet-stage.js";
import { MemoryFleetStore } from "../support/memory-fleet-store.js";
import { MemoryRolloutStore } from "../support/memory-rollout-store.js";

const stage = fakeFleets();

test.each([
  ["tells so", () => undefined],
  [
    "has a listener of troubles that throws",
    () => {
      throw new Error("a fault of the listener's own");
    },
  ],
])(
  "a worker that takes over a turn, has no client yet and %s leaves the job as it is, and tries again",
  async (_, onError) => {
    await using fleet = stage();
    const gate = new Deferred<void>();
    const begun = new Deferred<void>();
    fleet.server.onTurn(async (turn) => {
      begun.resolve();
      await gate.promise;
      turn.reply("done");
    });
    const first = await fleet.worker();
    const job = await fleet.queue.add({ newThread: {}, input: "hello" });
    await begun.promise;
    await job.threadId();
    await first.close();
    const codex = fleet.client();
    let asked = 0;
    await fleet.worker({
      onError,
      codexFor: () => {
        asked += 1;
        if (asked === 1) throw new Error("no server yet");
        gate.resolve();
        return codex;
      },
    });
    await expect(job.result()).resolves.toMatchObject({ finalResponse: "done" });
  },
);

test("the thread of a turn is told, also when the store was away when it began", async () => {
  const store = new ForgetfulStore();
  await using fleet = stage({ store });
  const gate = new Deferred<void>();
  fleet.server.onTurn(async (turn) => {
    await gate.promise;
    turn.reply("done");
  });
  await fleet.worker();
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  const threadId = await job.threadId({ timeoutMs: 20_000 }).finally(() => {
    gate.resolve();
  });
  expect((await job.result()).threadId).toBe(threadId);
  expect(store.failures).toBe(1);
});

test("what waits for a job ends when its queue is closed", async () => {
  await using fleet = stage();
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  const result = job.result().catch((error: unknown) => error);
  await job.state();
  await fleet.queue.close();
  expect(String(await result)).toContain("queue is closed");
});

test("a worker closes whose Redis was never there", async () => {
  const troubled = new Deferred<unknown>();
  await using fleet = stage();
  const codex = fleet.client();
  const worker = new TurnWorker({
    store: fleet.store,
    connection: { host: "127.0.0.1", port: await freePort() },
    codexFor: () => codex,
    onError: troubled.resolve,
  });
  await troubled.promise;
  await worker.close();
  expect(worker.running).toBe(0);
});

test("a worker that closes waits for what it runs in the place of a host that is alive again", async () => {
  const store = new CountingStore();
  await using fleet = stage({ store });
  await store.note("queue/turns", "hosts", ["one"]);
  await store.settleThread("thread", "one");
  const asked = new Deferred<void>();
  const gate = new Deferred<void>();
  const codex = fleet.client();
  const worker = await fleet.worker({
    host: "two",
    hostAliveMs: 200,
    rollouts: new MemoryRolloutStore(),
    codexFor: async () => {
      asked.resolve();
      await gate.promise;
      return codex;
    },
  });
  await fleet.queue.add({ thread: "thread", input: "hello" });
  await asked.promise;
  await store.hostIsAlive("one", 600_000);
  const looks = store.looks + 2;
  while (store.looks < looks) await new Promise((resolve) => setTimeout(resolve, 10));
  setTimeout(gate.resolve, 500);
  await worker.close();
  expect(worker.running).toBe(0);
});

/** It counts how often somebody asked which hosts are alive. */
class CountingStore extends MemoryFleetStore {
  looks = 0;

  override hosts(): Promise<readonly string[]> {
    this.looks += 1;
    return super.hosts();
  }
}

/** It is away in the moment in which it is first told where a turn is. */
class ForgetfulStore extends MemoryFleetStore {
  failures = 0;

  override async note(jobId: string, name: string, value: unknown): Promise<void> {
    if (name === "thread" && this.failures === 0) {
      this.failures += 1;
      throw new Error("away");
    }
    await super.note(jobId, name, value);
  }
}
