import { withoutKeys } from "../../errors/check-options.js";
import type { Attempt } from "./attempt.js";
import { queueOf } from "./job-queues.js";
import type { JobTurn } from "./job-turn.js";
import type { MovingThreads } from "./moving-threads.js";
import { busyMs, park, parkedMs, parkInLine } from "./park-job.js";

/** Where the job went. */
export interface MovedJob {
  readonly movedTo: string;
}

/**
 * Takes the job's place in the line of its thread, where that lies. Resolves with undefined once the job may run here, or
 * with the queue that it has moved to.
 *
 * @throws what tells BullMQ that the job is parked.
 */
export async function takePlace(
  attempt: Attempt,
  turn: JobTurn,
  threadId: string,
): Promise<MovedJob | undefined> {
  const moved = await toItsHost(attempt, turn, threadId);
  if (!moved) await waitInLine(attempt, threadId);
  return moved;
}

/** Sends the job to the workers of its thread's host, if that is another one. */
async function toItsHost(
  attempt: Attempt,
  turn: JobTurn,
  threadId: string,
): Promise<MovedJob | undefined> {
  const { id, request, lease } = attempt;
  const { store, queues, settings, moving } = attempt.context;
  const lies = await store.hostOf(threadId);
  if (lies === undefined || lies === settings.host) return undefined;
  const target = queueOf(settings.name, lies);
  const { job } = lease;
  const isDead = moving !== undefined && !(await store.hosts()).includes(lies);
  if (isDead) return bringHere(attempt, turn, { threadId, from: lies, moving });
  if (job.queueName === target) return park(attempt, busyMs);
  await queues.add(target, id, request, withoutKeys(job.opts, "delay", "jobId"));
  await queues.place(id, { queue: target, digest: request.digest });
  // Else it could not come back to this queue.
  job.opts.removeOnComplete = true;
  return { movedTo: target };
}

interface Move {
  readonly threadId: string;
  readonly from: string;
  readonly moving: MovingThreads;
}

/** The thread's host is dead: it moves here, if it can, once the job is the first in its line. */
async function bringHere(
  attempt: Attempt,
  turn: JobTurn,
  { threadId, from, moving }: Move,
): Promise<undefined> {
  const { settings } = attempt.context;
  await waitInLine(attempt, threadId);
  const codex = await turn.clientOrPark();
  const isHere = await moving
    .fetch(codex, threadId, from, settings.host)
    .catch((error: unknown) => {
      settings.onError(error);
      return false;
    });
  return isHere ? undefined : park(attempt, parkedMs);
}

/** @throws what tells BullMQ that the job is parked, unless it is the first in the line. */
async function waitInLine(attempt: Attempt, threadId: string): Promise<void> {
  const isFirst = await attempt.context.line.isFirst(threadId, attempt.id);
  if (!isFirst) await parkInLine(attempt, threadId);
}
