import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Queue } from "bullmq";
import { RedisFleetStore, type TurnJob } from "../../lib/fleet/index.js";
import { FleetStage } from "../support/fleet-stage.js";
import { RedisServer } from "../support/redis-server.js";

let redis: RedisServer;

beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

for (const ending of ["failed", "completed"] as const) {
  test(`a job that has ${ending} long ago is not begun again when somebody presses "retry"`, async () => {
    const connection = { host: "127.0.0.1", port: redis.port };
    const store = new RedisFleetStore({ redis: redis.url, prefix: `fleet-${ending}` });
    const bullmq = { prefix: `bull-${ending}` };
    await using fleet = new FleetStage({ connection, bullmq }, store);
    let turns = 0;
    fleet.server.onTurn((turn) => {
      turns += 1;
      if (ending === "failed") throw new Error("the model is gone");
      turn.reply("done");
    });
    await fleet.worker({ retainMs: 1 });
    const job = await fleet.queue.add({ newThread: {}, input: "hello", job: { attempts: 3 } });
    await inState(job, ending);
    await forgotten(store, job.id);
    const dashboard = new Queue("turns", { connection, ...bullmq });
    const pressed = await dashboard.getJob(job.id);
    await pressed?.retry(ending);
    await inState(job, "failed");
    const error = await job.result().catch((reason: unknown) => reason);
    const failureCode = ending === "failed" ? "TURN_FAILED" : "JOB_OVER";
    expect([turns, error]).toMatchObject([1, { failureCode, sent: true }]);
    await dashboard.close();
  });
}

/** Waits until the store does not know any more how a job ended. */
async function forgotten(store: RedisFleetStore, id: string): Promise<void> {
  while ((await store.noteOf(id, "outcome")) ?? (await store.markOf(id))) await tick();
}

async function inState(job: TurnJob, state: string): Promise<void> {
  while ((await job.state()).state !== state) await tick();
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
