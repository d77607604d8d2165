import type { TurnResult } from "../../index.js";
import type { Attempt } from "./attempt.js";
import {
  endPartOf,
  errorOf,
  forgottenResult,
  noteOutcome,
  reasonOf,
  type JobOutcome,
} from "./job-outcome.js";
import type { JobTurn } from "./job-turn.js";
import { readLog } from "./read-log.js";
import { storable } from "./storable.js";

/**
 * Tells everybody how the job ended: the store first, so that no other attempt comes to another end. Resolves with the
 * value for BullMQ.
 *
 * @throws what tells BullMQ that the job has failed; HandedOverError.
 */
export async function concludeJob(
  attempt: Attempt,
  turn: JobTurn,
  outcome: JobOutcome,
): Promise<TurnResult> {
  const { id, threadId, streams, context } = attempt;
  const { store, line, settings, bullmq } = context;
  await attempt.persist(() => endEvents(attempt, outcome));
  await attempt.persist(() => noteOutcome(store, id, outcome));
  await attempt.persist(() => streams.end(id));
  if (threadId !== null && outcome.type === "result") await keepRollout(attempt, turn, threadId);
  if (threadId !== null) await attempt.persist(() => line.leave(threadId, id));
  await attempt.persist(() => noteInJob(attempt, outcome));
  await attempt.persist(() => store.forgetJob(id, settings.retainMs));
  if (outcome.type === "result") return storable(outcome.result);
  const error = new bullmq.UnrecoverableError(reasonOf(outcome));
  error.cause = errorOf(id, outcome);
  throw error;
}

/** Adds the last part of the job's events, unless it is there. */
async function endEvents(attempt: Attempt, outcome: JobOutcome): Promise<void> {
  const { id, streams, gone } = attempt;
  if (!attempt.isWriting) await attempt.beginWriting(attempt.threadId);
  const { parts, last } = await readLog(streams, id, gone);
  if (parts.some(({ type, origin }) => type === "end" && !origin)) return;
  const part = endPartOf(outcome);
  const event = { seq: last + 1, type: part.type, data: JSON.stringify(part) };
  await streams.append(id, [event]);
}

/** Lets other hosts have what the turn has added. What goes wrong with that is no failure of the turn. */
async function keepRollout(attempt: Attempt, turn: JobTurn, threadId: string): Promise<void> {
  const { moving, settings } = attempt.context;
  if (!moving || !turn.codex || !turn.handle) return;
  await moving.keep(turn.codex, threadId).catch(settings.onError);
}

/** Whoever has BullMQ run the job again finds that it is over, also when the store has forgotten it. */
async function noteInJob({ lease, request }: Attempt, outcome: JobOutcome): Promise<void> {
  const { job } = lease;
  if (request.over) return;
  const over = outcome.type === "failed" ? { ...outcome, result: undefined } : forgottenResult;
  try {
    await job.updateData({ ...request, over: storable(over) });
  } catch (error) {
    // Somebody may have removed it.
    if ((await job.getState()) !== "unknown") throw error;
  }
}
