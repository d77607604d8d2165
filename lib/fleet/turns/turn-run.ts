import { onAbort } from "../../async/abort.js";
import { pause } from "../../async/timers.js";
import type { BoundTools, Codex, RequestHandlers, Thread, Turn, TurnResult } from "../../index.js";
import type { TurnStreamStore } from "../../http/index.js";
import type { SendingMark } from "../store/fleet-store.js";
import { FollowedTurn, NeverBeganError } from "./followed-turn.js";
import { HandedOverError } from "./handed-over-error.js";
import { HeldAnswers } from "./held-answers.js";
import {
  endPartOf,
  errorOf,
  noteOutcome,
  outcomeOf,
  outcomeOfError,
  type FailedOutcome,
  type JobOutcome,
} from "./job-outcome.js";
import { queueOf } from "./job-queues.js";
import type { Lease } from "./lease.js";
import type { MovingThreads } from "./moving-threads.js";
import { isTaken } from "./part-writer.js";
import { readLog } from "./read-log.js";
import { interruptionOf } from "./run-commands.js";
import type { RunContext } from "./run-context.js";
import { codeOf } from "./server-loss.js";
import { factsOf, type TurnRequest } from "./turn-request.js";
import type { TurnJobInfo } from "./turn-worker-options.js";

/** How long a job that is not the first of its thread sleeps at most (ms): mostly it is woken. */
const parkedMs = 30_000;
/** When it looks again whose thread is used by somebody outside the fleet, or whose database was away (ms). */
const busyMs = 2_000;
/** Between two attempts to tell the store what nobody else can (ms). */
const persistMs = 500;
/** Between two looks whether another worker has taken over (ms). */
const successorMs = 1_000;

/** BullMQ is to try the job again, as often as it is told to. */
class TryAgainError extends Error {}

/** Where the job went. */
export interface MovedJob {
  readonly movedTo: string;
}

/**
 * One attempt of this worker at one job: it waits for its place, sends the turn if nobody has, or else looks for it,
 * and follows it to its end.
 */
export class TurnRun {
  readonly #context: RunContext;
  readonly #lease: Lease;
  readonly #id: string;
  readonly #request: TurnRequest;
  readonly #streams: TurnStreamStore;
  readonly #answers: HeldAnswers;
  /** Aborts when this worker has nothing to do with the job any more. */
  readonly #gone = new AbortController();
  #threadId: string | null;
  #codex: Codex | undefined;
  #turn: Turn | undefined;
  /** Whether this attempt is the one that writes the job's events. */
  #isWriting = false;

  constructor(context: RunContext, lease: Lease) {
    this.#context = context;
    this.#lease = lease;
    this.#id = lease.job.id ?? "";
    this.#request = lease.job.data as TurnRequest;
    this.#threadId = this.#request.thread;
    this.#streams = context.store.streamsAs(lease.holder);
    this.#answers = new HeldAnswers(context.settings.answerWithinMs);
  }

  /** Resolves with the value for BullMQ. @throws what tells BullMQ what to do with the job. */
  async run(): Promise<TurnResult | MovedJob> {
    const { closing } = this.#context;
    using _closing = onAbort(closing, () => {
      this.#leave();
    });
    using _lost = onAbort(this.#lease.lost, () => {
      void this.#watchSuccessor();
    });
    try {
      return await this.#run();
    } catch (error) {
      if (error instanceof HandedOverError) return await this.#giveBack();
      if (isStoreTrouble(error)) return await this.#park(busyMs);
      if (this.#isSaid(error)) throw error;
      // Such as of BullMQ's database: it says nothing of the turn, which may run.
      this.#context.settings.onError(error);
      return await this.#park(busyMs);
    } finally {
      this.#leave();
    }
  }

  /** Whether an error tells BullMQ what becomes of the job. */
  #isSaid(error: unknown): boolean {
    const { DelayedError, WaitingError, UnrecoverableError } = this.#context.bullmq;
    const said = [DelayedError, WaitingError, UnrecoverableError, TryAgainError];
    return codeOf(error) !== undefined || said.some((each) => error instanceof each);
  }

  async #run(): Promise<TurnResult | MovedJob> {
    const { store } = this.#context;
    const known = (await outcomeOf(store, this.#id)) ?? this.#request.over;
    const mark = await store.markOf(this.#id);
    this.#threadId = mark?.threadId ?? this.#threadId;
    if (known) return this.#conclude(known);
    if (!mark && (await this.#isCalledOff())) return this.#conclude(calledOff(this.#threadId));
    if (this.#threadId !== null) {
      const moved = await this.#toItsHost(this.#threadId);
      if (moved) return moved;
      if (!(await this.#context.line.isFirst(this.#threadId, this.#id))) return this.#waitInLine();
    }
    if (mark && mark.holder !== this.#lease.holder) return this.#takeOver(mark);
    return this.#begin();
  }

  /** Whether somebody has stopped the turn before it was sent. */
  async #isCalledOff(): Promise<boolean> {
    const { store } = this.#context;
    const seq = await interruptionOf(store, this.#id, this.#gone.signal);
    if (seq === undefined) return false;
    await store.settle(this.#id, seq, { ok: true });
    return true;
  }

  /** Sends the job to the workers of its thread's host, if that is another one. */
  async #toItsHost(threadId: string): Promise<MovedJob | undefined> {
    const { store, queues, settings, moving } = this.#context;
    const lies = await store.hostOf(threadId);
    if (lies === undefined || lies === settings.host) return undefined;
    const target = queueOf(settings.name, lies);
    const { job } = this.#lease;
    const isDead = moving !== undefined && !(await store.hosts()).includes(lies);
    if (isDead) return this.#bringHere(threadId, lies, moving);
    if (job.queueName === target) return this.#park(busyMs);
    const options = without(job.opts, "delay", "jobId");
    await queues.add(target, this.#id, this.#request, options);
    await queues.place(this.#id, { queue: target, digest: this.#request.digest });
    // Else it could not come back to this queue.
    job.opts.removeOnComplete = true;
    return { movedTo: target };
  }

  /** The thread's host is dead: it moves here, if it can, once the job is the first in its line. */
  async #bringHere(threadId: string, from: string, moving: MovingThreads): Promise<undefined> {
    const { line, settings } = this.#context;
    if (!(await line.isFirst(threadId, this.#id))) return this.#waitInLine();
    const codex = await this.#clientOrPark();
    const isHere = await moving
      .fetch(codex, threadId, from, settings.host)
      .catch((error: unknown) => {
        settings.onError(error);
        return false;
      });
    return isHere ? undefined : this.#park(parkedMs);
  }

  /** Parks the job until those before it have left. Whoever leaves in this moment wakes one that is not parked yet. */
  async #waitInLine(): Promise<never> {
    const { line, queues } = this.#context;
    const threadId = this.#threadId ?? "";
    await this.#delay(parkedMs);
    if (await line.isItsTurn(threadId, this.#id)) await queues.wake(this.#id);
    throw new this.#context.bullmq.DelayedError();
  }

  async #park(ms: number): Promise<never> {
    try {
      await this.#delay(ms);
    } catch (error) {
      // The lock is lost: somebody else has the job, or will.
      this.#context.settings.onError(error);
    }
    throw new this.#context.bullmq.DelayedError();
  }

  async #delay(ms: number): Promise<void> {
    await this.#lease.job.moveToDelayed(Date.now() + ms, this.#lease.token);
  }

  /** Leaves the job, and the turn, to another worker. */
  async #giveBack(): Promise<never> {
    const { bullmq, closing, settings } = this.#context;
    if (this.#lease.lost.aborted) {
      if (settings.whenLockLost === "interrupt") this.#turn?.interrupt().catch(settings.onError);
      throw new bullmq.DelayedError();
    }
    if (!closing.aborted) return this.#park(busyMs);
    await this.#lease.job.moveToWait(this.#lease.token);
    throw new bullmq.WaitingError();
  }

  /** Sends the turn, which nobody else has. */
  async #begin(): Promise<TurnResult | MovedJob> {
    const { store } = this.#context;
    let counting: SendingMark | undefined;
    let turn: Turn | undefined;
    let isMarking = false;
    try {
      const thread = await this.#open(await this.#client());
      await this.#writeFrom(thread.id);
      await this.#renew();
      const mark = this.#mark(thread.id);
      isMarking = true;
      counting = await store.mark(this.#id, mark);
      if (counting.holder === mark.holder) {
        await this.#renew();
        turn = this.#send(thread, mark);
      }
    } catch (error) {
      if (isMarking) await this.#unmark();
      return this.#notBegun(error);
    }
    if (!turn) return this.#takeOver(counting);
    this.#turn = turn;
    try {
      return await this.#conclude(await this.#followed(counting).ofOwn(turn));
    } catch (error) {
      if (!(error instanceof NeverBeganError)) throw error;
      await this.#unmark();
      return this.#notBegun(error.cause);
    }
  }

  async #client(): Promise<Codex> {
    this.#codex ??= await this.#context.settings.codexFor(this.#info());
    return this.#codex;
  }

  /** The client for a turn that may run already: that there is none yet is no failure of the turn. */
  async #clientOrPark(): Promise<Codex> {
    try {
      return await this.#client();
    } catch (error) {
      this.#context.settings.onError(error);
      return this.#park(busyMs);
    }
  }

  /** Begins or loads the thread: what takes long is done before the mark is set. */
  async #open(codex: Codex): Promise<Thread> {
    const { store, line, settings } = this.#context;
    const { tools } = this.#bound();
    const { newThread, owner } = this.#request;
    const isNew = this.#threadId === null;
    const thread =
      this.#threadId === null
        ? await codex.startThread({ ...newThread, tools })
        : await codex.resumeThread(this.#threadId, { tools });
    this.#threadId = thread.id;
    // Nobody else can know a new thread before its turn has its place.
    if (isNew) await line.isFirst(thread.id, this.#id);
    const host = await store.settleThread(thread.id, settings.host);
    if (host !== settings.host) throw new HandedOverError();
    if (owner !== "") await store.streams.ownThread(thread.id, owner);
    return thread;
  }

  #info(): TurnJobInfo {
    const { owner, newThread, options } = this.#request;
    const threadId = this.#threadId ?? undefined;
    return { id: this.#id, owner, threadId, newThread: newThread ?? undefined, options };
  }

  #bound(): RequestHandlers & BoundTools {
    return this.#context.settings.handlersFor?.(this.#info()) ?? {};
  }

  /** Who answers what the turn asks: the worker's own handlers, else whoever answers from any machine. */
  #handlers(): RequestHandlers {
    return { ...this.#answers.handlers, ...without(this.#bound(), "tools") };
  }

  /** From now on, this attempt alone writes the job's events. */
  async #writeFrom(threadId: string | null): Promise<void> {
    const facts = factsOf(this.#request.owner, threadId);
    await this.#streams.create(this.#id, facts, this.#context.settings.limits);
    this.#isWriting = true;
  }

  #mark(threadId: string): SendingMark {
    return { holder: this.#lease.holder, threadId, messageId: `turn-${this.#id}` };
  }

  /** @throws HandedOverError when the lock is lost, or nobody can tell. */
  async #renew(): Promise<void> {
    const isHeld = await this.#lease.renew().catch((error: unknown) => {
      this.#context.settings.onError(error);
      return false;
    });
    if (!isHeld || this.#gone.signal.aborted) throw new HandedOverError();
  }

  #send(thread: Thread, { messageId }: SendingMark): Turn {
    const { options, input } = this.#request;
    // This process may have been stopped since the lock was renewed.
    if (!this.#lease.isSure) throw new HandedOverError();
    return thread.turn([...input], {
      ...options,
      ...this.#handlers(),
      clientUserMessageId: messageId,
      whenBusy: "reject",
      onBreak: "detach",
    });
  }

  /** The turn was not sent. Its mark may be set, also when the store could not say so. */
  async #unmark(): Promise<void> {
    const { store, settings } = this.#context;
    const unmark = (): Promise<boolean> => store.unmark(this.#id, this.#lease.holder);
    try {
      await unmark();
    } catch (error) {
      settings.onError(error);
      await this.#persist(unmark);
    }
  }

  /** What never began may be tried again, as often as BullMQ is told to. */
  async #notBegun(error: unknown): Promise<TurnResult | MovedJob> {
    if (error instanceof HandedOverError || isStoreTrouble(error)) throw error;
    const { line, settings, bullmq } = this.#context;
    const isNew = this.#request.thread === null;
    const { attemptsMade, opts } = this.#lease.job;
    if (codeOf(error) === "THREAD_BUSY" && !isNew) return this.#park(busyMs);
    const outcome = outcomeOfError(error, false);
    const isLast = attemptsMade + 1 >= (opts.attempts ?? 1);
    if (isLast || error instanceof bullmq.UnrecoverableError) {
      return this.#conclude(outcome);
    }
    // The next attempt begins a thread of its own.
    if (isNew && this.#threadId !== null) await line.leave(this.#threadId, this.#id);
    settings.onError(error);
    throw new TryAgainError(reasonOf(outcome));
  }

  /** Looks for a turn that may have been sent by another worker. */
  async #takeOver(mark: SendingMark): Promise<TurnResult | MovedJob> {
    await this.#clientOrPark();
    await this.#writeFrom(mark.threadId);
    return this.#conclude(await this.#followed(mark).ofOther());
  }

  #followed({ threadId, messageId }: SendingMark): FollowedTurn {
    const { store } = this.#context;
    return new FollowedTurn({
      context: this.#context,
      jobId: this.#id,
      streams: this.#streams,
      answers: this.#answers,
      holder: this.#lease.holder,
      attach: () => this.#attach(threadId, messageId),
      began: (turnId) => this.#persist(() => store.note(this.#id, "thread", { threadId, turnId })),
      gone: this.#gone.signal,
    });
  }

  #attach(threadId: string, messageId: string): Turn {
    const codex = this.#codex;
    if (!codex) throw new HandedOverError();
    const { outputSchema, timeoutMs, idleTimeoutMs } = this.#request.options;
    const { tools } = this.#bound();
    this.#turn = codex
      .thread(threadId, { tools })
      .attachTurn(
        { clientUserMessageId: messageId },
        { outputSchema, timeoutMs, idleTimeoutMs, ...this.#handlers() },
      );
    return this.#turn;
  }

  /** Tells everybody how the job ended: the store first, so that no other attempt comes to another end. */
  async #conclude(outcome: JobOutcome): Promise<TurnResult> {
    const { store, line, settings, bullmq } = this.#context;
    const threadId = this.#threadId;
    await this.#persist(() => this.#endEvents(outcome));
    await this.#persist(() => noteOutcome(store, this.#id, outcome));
    await this.#persist(() => this.#streams.end(this.#id));
    if (threadId !== null && outcome.type === "result") await this.#keepRollout(threadId);
    if (threadId !== null) await this.#persist(() => line.leave(threadId, this.#id));
    await this.#persist(() => this.#noteInJob(outcome));
    await this.#persist(() => store.forgetJob(this.#id, settings.retainMs));
    if (outcome.type === "result") return outcome.result;
    const error = new bullmq.UnrecoverableError(reasonOf(outcome));
    error.cause = errorOf(this.#id, outcome);
    throw error;
  }

  /** Whoever has BullMQ run the job again finds that it is over, also when the store has forgotten it. */
  async #noteInJob(outcome: JobOutcome): Promise<void> {
    const { job } = this.#lease;
    if (this.#request.over) return;
    const over = outcome.type === "failed" ? { ...outcome, result: undefined } : forgottenResult;
    try {
      await job.updateData({ ...this.#request, over });
    } catch (error) {
      // Somebody may have removed it.
      if ((await job.getState()) !== "unknown") throw error;
    }
  }

  /** Lets other hosts have what the turn has added. What goes wrong with that is no failure of the turn. */
  async #keepRollout(threadId: string): Promise<void> {
    const { moving, settings } = this.#context;
    if (!moving || !this.#codex || !this.#turn) return;
    await moving.keep(this.#codex, threadId).catch(settings.onError);
  }

  /** Adds the last part of the job's events, unless it is there. */
  async #endEvents(outcome: JobOutcome): Promise<void> {
    if (!this.#isWriting) await this.#writeFrom(this.#threadId);
    const { parts, last } = await readLog(this.#streams, this.#id, this.#gone.signal);
    if (parts.some(({ type, origin }) => type === "end" && !origin)) return;
    const part = endPartOf(outcome);
    const event = { seq: last + 1, type: part.type, data: JSON.stringify(part) };
    await this.#streams.append(this.#id, [event]);
  }

  /** Does what has to be done once the database is back. @throws HandedOverError */
  async #persist<T>(write: () => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#gone.signal.aborted) throw new HandedOverError();
      try {
        return await write();
      } catch (error) {
        if (isTaken(error) || error instanceof HandedOverError) throw new HandedOverError();
        if (codeOf(error) !== undefined && !isStoreTrouble(error)) throw error;
        this.#context.settings.onError(error);
        await pause(persistMs, this.#gone.signal).catch(() => undefined);
      }
    }
  }

  /** Ends what this attempt does, and leaves its turn and what that asks as they are. */
  #leave(): void {
    this.#answers.handOver();
    this.#gone.abort();
  }

  /**
   * The lock is lost. As long as no other worker has begun to write the job's events, this one goes on, so that nothing
   * is missed; a turn that was not sent by then is left at once.
   */
  async #watchSuccessor(): Promise<void> {
    while (!this.#gone.signal.aborted) {
      const id = this.#turn?.id;
      if (!this.#isWriting || !this.#turn) {
        this.#leave();
        return;
      }
      if (id !== undefined && (await this.#isSucceeded(id))) this.#leave();
      else await pause(successorMs, this.#gone.signal).catch(() => undefined);
    }
  }

  async #isSucceeded(turnId: string): Promise<boolean> {
    return this.#streams.nameTurn(this.#id, turnId).then(() => false, isTaken);
  }
}

function without<Options extends object, Name extends keyof Options & string>(
  options: Options,
  ...names: readonly Name[]
): Omit<Options, Name> {
  const rest = Object.entries(options).filter(([name]) => !names.some((each) => each === name));
  return Object.fromEntries(rest) as Omit<Options, Name>;
}

const forgottenResult: FailedOutcome = {
  type: "failed",
  code: "JOB_OVER",
  message: "The turn has ended before, and its result is not kept any more. It is not begun again.",
  sent: true,
};

/** A turn that was stopped before it was sent. */
function calledOff(threadId: string | null): JobOutcome {
  const result: TurnResult = {
    id: "",
    threadId: threadId ?? "",
    status: "interrupted",
    output: undefined,
    error: null,
    finalResponse: null,
    items: [],
    warnings: [],
    usage: null,
    usageWithSubagents: null,
    startedAt: null,
    completedAt: null,
    durationMs: null,
  };
  return { type: "result", result };
}

/** What BullMQ's dashboards show. */
function reasonOf({ code, message }: FailedOutcome): string {
  return message === "" ? code : `${code}: ${message}`;
}

function isStoreTrouble(error: unknown): boolean {
  return codeOf(error) === "STORE_UNAVAILABLE";
}
