import type { Job } from "bullmq";
import type { Attempt } from "./attempt.js";
import type { RunContext } from "./run-context.js";

/** How long a job that waits for others sleeps at most (ms): mostly it is woken. */
export const parkedMs = 30_000;
/** When it looks again whose thread is used by somebody outside the fleet, or whose database was away (ms). */
export const busyMs = 2_000;

/** What is needed of an attempt for that. */
type Parked = Pick<Attempt, "context" | "lease">;

/** Lets go of the job for some time. @throws always: what tells BullMQ so. */
export async function park(attempt: Parked, ms: number): Promise<never> {
  try {
    await delay(attempt, ms);
  } catch (error) {
    // The lock is lost: somebody else has the job, or will.
    attempt.context.settings.onError(error);
  }
  throw new attempt.context.bullmq.DelayedError();
}

/**
 * Parks the job until those before it in the thread's line have left. Whoever leaves in this moment wakes one that is
 * not parked yet.
 *
 * @throws always: what tells BullMQ so.
 */
export async function parkInLine(attempt: Attempt, threadId: string): Promise<never> {
  const { line, queues, bullmq } = attempt.context;
  await delay(attempt, parkedMs);
  if (await line.isItsTurn(threadId, attempt.id)) await queues.wake(attempt.id);
  throw new bullmq.DelayedError();
}

/** Lets another worker take the job at once. @throws always: what tells BullMQ so. */
export async function returnToQueue(
  { bullmq }: RunContext,
  job: Job,
  token: string,
): Promise<never> {
  await job.moveToWait(token);
  throw new bullmq.WaitingError();
}

async function delay({ lease }: Parked, ms: number): Promise<void> {
  await lease.job.moveToDelayed(Date.now() + ms, lease.token);
}
