import { onAbort } from "../../async/abort.js";
import { pause } from "../../async/timers.js";
import type { Turn, TurnResult } from "../../index.js";
import type { SendingMark } from "../store/fleet-store.js";
import { Attempt } from "./attempt.js";
import { concludeJob } from "./conclude-job.js";
import { FollowedTurn, NeverBeganError } from "./followed-turn.js";
import { HandedOverError } from "./handed-over-error.js";
import { calledOff, outcomeOf, outcomeOfError, reasonOf, type JobOutcome } from "./job-outcome.js";
import { JobTurn } from "./job-turn.js";
import type { Lease } from "./lease.js";
import { busyMs, park, returnToQueue } from "./park-job.js";
import { interruptionOf } from "./run-commands.js";
import type { RunContext } from "./run-context.js";
import { codeOf } from "./server-loss.js";
import { isStoreTrouble, isTaken } from "./store-trouble.js";
import { takePlace, type MovedJob } from "./take-place.js";

/** Between two looks whether another worker has taken over (ms). */
const successorMs = 1_000;

/** BullMQ is to try the job again, as often as it is told to. */
class TryAgainError extends Error {}

/**
 * One attempt of this worker at one job: it waits for its place, sends the turn if nobody has, or else looks for it,
 * and follows it to its end.
 */
export class TurnRun {
  readonly #context: RunContext;
  readonly #attempt: Attempt;
  readonly #turn: JobTurn;

  constructor(context: RunContext, lease: Lease) {
    this.#context = context;
    this.#attempt = new Attempt(context, lease);
    this.#turn = new JobTurn(this.#attempt);
  }

  /** Resolves with the value for BullMQ. @throws what tells BullMQ what to do with the job. */
  async run(): Promise<TurnResult | MovedJob> {
    const { closing, settings } = this.#context;
    using _closing = onAbort(closing, () => {
      this.#attempt.leave();
    });
    using _lost = onAbort(this.#attempt.lease.lost, () => {
      void this.#watchSuccessor();
    });
    try {
      return await this.#run();
    } catch (error) {
      if (error instanceof HandedOverError) return await this.#giveBack();
      if (isStoreTrouble(error)) return await park(this.#attempt, busyMs);
      if (this.#isSaid(error)) throw error;
      // Such as of BullMQ's database: it says nothing of the turn, which may run.
      settings.onError(error);
      return await park(this.#attempt, busyMs);
    } finally {
      this.#attempt.leave();
    }
  }

  /** Whether an error tells BullMQ what becomes of the job. */
  #isSaid(error: unknown): boolean {
    const { DelayedError, WaitingError, UnrecoverableError } = this.#context.bullmq;
    const said = [DelayedError, WaitingError, UnrecoverableError, TryAgainError];
    return codeOf(error) !== undefined || said.some((each) => error instanceof each);
  }

  async #run(): Promise<TurnResult | MovedJob> {
    const attempt = this.#attempt;
    const { id, request, lease } = attempt;
    const { store } = this.#context;
    const known = (await outcomeOf(store, id)) ?? request.over;
    const mark = await store.markOf(id);
    attempt.threadId = mark?.threadId ?? attempt.threadId;
    if (known) return this.#conclude(known);
    if (!mark && (await this.#isCalledOff())) return this.#conclude(calledOff(attempt.threadId));
    if (attempt.threadId !== null) {
      const moved = await takePlace(attempt, this.#turn, attempt.threadId);
      if (moved) return moved;
    }
    if (mark && mark.holder !== lease.holder) return this.#takeOver(mark);
    return this.#begin();
  }

  /** Whether somebody has stopped the turn before it was sent. */
  async #isCalledOff(): Promise<boolean> {
    const { store } = this.#context;
    const { id, gone } = this.#attempt;
    const seq = await interruptionOf(store, id, gone);
    if (seq === undefined) return false;
    await store.settle(id, seq, { ok: true });
    return true;
  }

  /** Leaves the job, and the turn, to another worker. */
  async #giveBack(): Promise<never> {
    const { bullmq, closing, settings } = this.#context;
    const { lease } = this.#attempt;
    if (lease.lost.aborted) {
      const { handle } = this.#turn;
      if (settings.whenLockLost === "interrupt") handle?.interrupt().catch(settings.onError);
      throw new bullmq.DelayedError();
    }
    if (!closing.aborted) return park(this.#attempt, busyMs);
    return returnToQueue(this.#context, lease.job, lease.token);
  }

  /** Sends the turn, which nobody else has. */
  async #begin(): Promise<TurnResult | MovedJob> {
    const attempt = this.#attempt;
    const { store } = this.#context;
    let counting: SendingMark | undefined;
    let turn: Turn | undefined;
    let isMarking = false;
    try {
      const thread = await this.#turn.openThread();
      await attempt.beginWriting(thread.id);
      await attempt.renewLock();
      const mark = this.#mark(thread.id);
      isMarking = true;
      counting = await store.mark(attempt.id, mark);
      if (counting.holder === mark.holder) {
        await attempt.renewLock();
        turn = this.#turn.send(thread, mark);
      }
    } catch (error) {
      if (isMarking) await this.#unmark();
      return this.#notBegun(error);
    }
    if (!turn) return this.#takeOver(counting);
    try {
      return await this.#conclude(await this.#followed(counting).ofOwn(turn));
    } catch (error) {
      if (!(error instanceof NeverBeganError)) throw error;
      await this.#unmark();
      return this.#notBegun(error.cause);
    }
  }

  #mark(threadId: string): SendingMark {
    const { id, lease } = this.#attempt;
    return { holder: lease.holder, threadId, messageId: `turn-${id}` };
  }

  /** The turn was not sent. Its mark may be set, also when the store could not say so. */
  async #unmark(): Promise<void> {
    const { store, settings } = this.#context;
    const { id, lease } = this.#attempt;
    const unmark = (): Promise<boolean> => store.unmark(id, lease.holder);
    try {
      await unmark();
    } catch (error) {
      settings.onError(error);
      await this.#attempt.persist(unmark);
    }
  }

  /** What never began may be tried again, as often as BullMQ is told to. */
  async #notBegun(error: unknown): Promise<TurnResult | MovedJob> {
    if (error instanceof HandedOverError || isStoreTrouble(error)) throw error;
    const { line, settings, bullmq } = this.#context;
    const { id, request, lease, threadId } = this.#attempt;
    const isNew = request.thread === null;
    const { attemptsMade, opts } = lease.job;
    if (codeOf(error) === "THREAD_BUSY" && !isNew) return park(this.#attempt, busyMs);
    const outcome = outcomeOfError(error, false);
    const isLast = attemptsMade + 1 >= (opts.attempts ?? 1);
    if (isLast || error instanceof bullmq.UnrecoverableError) {
      return this.#conclude(outcome);
    }
    // The next attempt begins a thread of its own.
    if (isNew && threadId !== null) await line.leave(threadId, id);
    settings.onError(error);
    throw new TryAgainError(reasonOf(outcome));
  }

  /** Looks for a turn that may have been sent by another worker. */
  async #takeOver(mark: SendingMark): Promise<TurnResult | MovedJob> {
    await this.#turn.clientOrPark();
    await this.#attempt.beginWriting(mark.threadId);
    return this.#conclude(await this.#followed(mark).ofOther());
  }

  #followed(mark: SendingMark): FollowedTurn {
    return new FollowedTurn(this.#attempt, this.#turn, mark);
  }

  #conclude(outcome: JobOutcome): Promise<TurnResult> {
    return concludeJob(this.#attempt, this.#turn, outcome);
  }

  /**
   * The lock is lost. As long as no other worker has begun to write the job's events, this one goes on, so that nothing
   * is missed; a turn that was not sent by then is left at once.
   */
  async #watchSuccessor(): Promise<void> {
    const { gone } = this.#attempt;
    while (!gone.aborted) {
      const { handle } = this.#turn;
      if (!this.#attempt.isWriting || !handle) {
        this.#attempt.leave();
        return;
      }
      if (handle.id !== undefined && (await this.#isSucceeded(handle.id))) this.#attempt.leave();
      else await pause(successorMs, gone).catch(() => undefined);
    }
  }

  async #isSucceeded(turnId: string): Promise<boolean> {
    const { id, streams } = this.#attempt;
    return streams.nameTurn(id, turnId).then(() => false, isTaken);
  }
}
