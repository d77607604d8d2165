import { expect, test } from "@jest/globals";
import { Queue } from "bullmq";
import type { FleetStore, TurnJob } from "../../lib/fleet/index.js";
import { fakeFleets } from "../support/fleet-stage.js";

const stage = fakeFleets();

for (const ending of ["failed", "completed"] as const) {
  test(`a job that has ${ending} long ago is not begun again when somebody presses "retry"`, async () => {
    await using fleet = stage();
    let turns = 0;
    fleet.server.onTurn((turn) => {
      turns += 1;
      if (ending === "failed") throw new Error("the model is gone");
      turn.reply("done");
    });
    await fleet.worker({ retainMs: 1 });
    const job = await fleet.queue.add({ newThread: {}, input: "hello", job: { attempts: 3 } });
    await inState(job, ending);
    await forgotten(fleet.store, job.id);
    const { connection = {}, bullmq } = fleet.place;
    const dashboard = new Queue("turns", { ...bullmq, connection });
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
async function forgotten(store: FleetStore, id: string): Promise<void> {
  while ((await store.noteOf(id, "outcome")) ?? (await store.markOf(id))) await tick();
}

async function inState(job: TurnJob, state: string): Promise<void> {
  while ((await job.state()).state !== state) await tick();
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
