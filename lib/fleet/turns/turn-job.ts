import { onAbort, orAborted, throwIfAborted } from "../../async/abort.js";
import { onDeadline } from "../../async/deadline.js";
import { pause } from "../../async/timers.js";
import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import { amount, check, checkSignal, checkText, checkTimeout } from "../../errors/check-values.js";
import {
  TurnCommandRefusedError,
  TurnJobNotFoundError,
  TurnJobPendingError,
  type RequestAnswer,
  type TurnInput,
  type TurnResult,
} from "../../index.js";
import { normalizeInput } from "../../options/input.js";
import type { TurnPart } from "../../parts/turn-part.js";
import type { CommandOutcome, FleetStore, TurnCommand } from "../store/fleet-store.js";
import { checkJson } from "./check-json.js";
import { codeOf } from "./server-loss.js";
import { errorOf, outcomeOf, type JobOutcome } from "./job-outcome.js";
import type { JobQueues } from "./job-queues.js";
import { partIn } from "./read-log.js";

export interface JobResultOptions {
  /** Ends the wait, which rejects with the signal's reason. The job goes on. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait (ms; default: until the job ends). */
  readonly timeoutMs?: number | undefined;
}

export interface JobStreamOptions {
  /** The number of the last event that was seen (default 0: all of them). */
  readonly after?: number | undefined;
  /** Ends the iteration, which throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** One part of a job's turn, and its number: the next reader goes on behind it with `stream({ after: seq })`. */
export interface JobEvent {
  readonly seq: number;
  readonly part: TurnPart;
}

/** Where a job is. */
export interface TurnJobState {
  /** BullMQ's word: `"waiting"`, `"prioritized"`, `"delayed"` (also while it waits in its thread's line), `"active"`, `"completed"` or `"failed"`. */
  readonly state: string;
  /** The host where its thread lies; undefined while that is not known. */
  readonly host: string | undefined;
  /** Whether a worker of that host is alive. If none is, the job waits for one. */
  readonly isHostAlive: boolean | undefined;
}

const resultKeys: KeysOf<JobResultOptions> = { signal: true, timeoutMs: true };
const streamKeys: KeysOf<JobStreamOptions> = { after: true, signal: true };

/** How long the store is asked to wait for events, each time (ms). */
const newsMs = 5_000;
/** The same where not only events tell (ms). */
const shortMs = 250;
/** How often somebody whose command is not settled looks whether the job is over (ms). */
const commandMs = 1_000;
const pageBytes = 262_144;
const firstPauseMs = 50;
const longestPauseMs = 1_000;
/** So many failures in a row that are no word of the store (it may be away for as long as it likes). */
const maxFailures = 100;

/** A job, from any machine: its result, its events, and what people want of its turn. */
export class TurnJob {
  readonly id: string;
  readonly #queues: JobQueues;
  readonly #store: FleetStore;

  /** @internal Use `TurnQueue`. */
  constructor(id: string, queues: JobQueues) {
    this.id = id;
    this.#queues = queues;
    this.#store = queues.store;
  }

  /**
   * Waits for the thread of the job: at once for a thread that was given, else until the server has begun the turn on
   * the new one.
   *
   * @throws as `result()` does when the job ends without a thread.
   */
  async threadId(options: JobResultOptions = {}): Promise<string> {
    const look = async (): Promise<string | undefined> => {
      const thread = (await this.#store.noteOf(this.id, "thread")) as
        { readonly threadId: string } | undefined;
      if (thread) return thread.threadId;
      const job = await this.#queues.find(this.id);
      return job?.data.thread ?? undefined;
    };
    const found = await this.#until("threadId()", options, look, (outcome) => {
      const threadId = unwrap(this.id, outcome).threadId;
      if (threadId === "") throw new TurnJobNotFoundError(this.id);
      return threadId;
    });
    return found;
  }

  /**
   * Waits for the end of the turn. An interrupted turn has a result, too.
   *
   * @throws TurnJobFailedError with `failureCode`, and with the result of a turn that ran; TurnUnknownError when nobody
   * can know whether it ran; TurnJobPendingError after `timeoutMs`; TurnJobNotFoundError; `signal.reason`.
   */
  async result(options: JobResultOptions = {}): Promise<TurnResult> {
    const nothing = (): Promise<undefined> => Promise.resolve(undefined);
    return this.#until("result()", options, nothing, (outcome) => unwrap(this.id, outcome));
  }

  /** Where the job is at this moment. @throws TurnJobNotFoundError */
  async state(): Promise<TurnJobState> {
    const job = await this.#queues.find(this.id);
    if (!job) throw new TurnJobNotFoundError(this.id);
    const [state, mark] = await Promise.all([job.getState(), this.#store.markOf(this.id)]);
    const threadId = mark?.threadId ?? job.data.thread;
    const host = threadId === null ? undefined : await this.#store.hostOf(threadId);
    const hosts = host === undefined ? [] : await this.#store.hosts();
    return { state, host, isHostAlive: host === undefined ? undefined : hosts.includes(host) };
  }

  /**
   * Iterates the parts of the turn, from its start or from behind a number, up to its end. It waits for a job that has
   * not begun. Leaving the iteration leaves the turn as it is; any number of readers may read.
   *
   * @throws TurnJobNotFoundError when there is no such job, or its events are not kept any more; `signal.reason`.
   */
  async *stream(options: JobStreamOptions = {}): AsyncGenerator<JobEvent, undefined> {
    checkOptions("stream()", options, streamKeys);
    const { after = 0, signal } = options;
    check("after", after, amount);
    checkSignal(signal);
    const over = new AbortController();
    using _link = onAbort(signal, (reason) => {
      over.abort(reason);
    });
    let last = after;
    let wasOver = false;
    for (let failures = 0; ;) {
      over.signal.throwIfAborted();
      try {
        const how = { maxBytes: pageBytes, waitMs: newsMs, signal: over.signal };
        const page = await orAborted(this.#store.streams.read(this.id, last, how), over.signal);
        failures = 0;
        if (!page) {
          if (wasOver) throw new TurnJobNotFoundError(this.id);
          // It has not begun, or its events are not kept any more.
          wasOver = await orAborted(this.#isOver(), over.signal);
          if (!wasOver) await pause(longestPauseMs / 2, over.signal);
          continue;
        }
        for (const event of page.events) {
          last = event.seq;
          const part = partIn(event);
          if (part) yield { seq: last, part };
        }
        if (page.ended) return;
      } catch (error) {
        failures = this.#bear(error, failures);
        await pause(longestPauseMs, over.signal);
      }
    }
  }

  /**
   * Stops the turn, also one that has not begun. Resolves when its worker has done so, or the job is over.
   *
   * @throws TurnCommandRefusedError; TurnJobNotFoundError; `signal.reason`.
   */
  async interrupt(options: JobResultOptions = {}): Promise<void> {
    await this.#command("interrupt()", { type: "interrupt" }, options);
  }

  /**
   * Adds input to the running turn. Resolves when the server has taken it.
   *
   * @throws TurnCommandRefusedError, such as of a turn that has ended; TurnJobNotFoundError; `signal.reason`.
   */
  async steer(input: TurnInput, options: JobResultOptions = {}): Promise<void> {
    normalizeInput(input);
    checkJson("input", input);
    await this.#command("steer()", { type: "steer", input }, options);
  }

  /**
   * Answers what the turn asks. The first answer counts. It is kept while no worker runs, and given when the server
   * asks once more.
   *
   * @param key of the `request` part.
   * @throws TurnCommandRefusedError when it is not open (any more); TurnJobNotFoundError; `signal.reason`.
   */
  async answer(key: string, answer: RequestAnswer, options: JobResultOptions = {}): Promise<void> {
    checkText("key", key);
    checkJson("answer", answer);
    await this.#command("answer()", { type: "answer", key, answer }, options);
  }

  async #command(call: string, command: TurnCommand, options: JobResultOptions): Promise<void> {
    checkResultOptions(call, options);
    const outcome = await this.#within(options, async (signal) =>
      (await outcomeOf(this.#store, this.id))
        ? tooLate(command)
        : await this.#carriedOut(command, signal),
    );
    if (!outcome.ok) throw new TurnCommandRefusedError(this.id, outcome.code, outcome.message);
  }

  /** Sends a command, once, and waits until it is settled. */
  async #carriedOut(command: TurnCommand, signal: AbortSignal): Promise<CommandOutcome> {
    await this.#throwIfGone();
    signal.throwIfAborted();
    const seq = await this.#store.send(this.id, command);
    // One that waits for its turn looks, and does not wait any more.
    if (command.type === "interrupt") await this.#queues.wake(this.id);
    const settled = (ms: number) => this.#store.outcome(this.id, seq, { waitMs: ms, signal });
    return this.#persist(signal, async () => {
      const known = await settled(commandMs);
      if (known) return known;
      if (await outcomeOf(this.#store, this.id)) return (await settled(0)) ?? tooLate(command);
      await this.#throwIfGone();
      return undefined;
    });
  }

  async #throwIfGone(): Promise<void> {
    if ((await this.#queues.find(this.id)) ?? (await outcomeOf(this.#store, this.id))) return;
    throw new TurnJobNotFoundError(this.id);
  }

  /** Whether the job is over, however it ended, or gone. */
  async #isOver(): Promise<boolean> {
    if (await outcomeOf(this.#store, this.id)) return true;
    const job = await this.#queues.find(this.id);
    return !job || ["completed", "failed"].includes(await job.getState());
  }

  /** Waits until `look` gives something, or the job is over. */
  async #until<T>(
    call: string,
    options: JobResultOptions,
    look: () => Promise<T | undefined>,
    ended: (outcome: JobOutcome) => T,
  ): Promise<T> {
    checkResultOptions(call, options);
    let last = 0;
    let pauseMs = firstPauseMs;
    const ask = async (signal: AbortSignal): Promise<T | undefined> => {
      const found = await look();
      if (found !== undefined) return found;
      const outcome = (await outcomeOf(this.#store, this.id)) ?? (await this.#kept());
      if (outcome) return ended(outcome);
      const waitMs = call === "result()" ? newsMs : shortMs;
      const how = { maxBytes: pageBytes, waitMs, signal };
      const until = performance.now() + waitMs;
      for (;;) {
        const page = await this.#store.streams.read(this.id, last, how);
        last = page?.events.at(-1)?.seq ?? last;
        if (page && !page.ended && performance.now() < until) {
          if (call === "result()") continue;
          return undefined;
        }
        // It has not begun, or has just ended: the outcome is there a moment before or after.
        await pause(pauseMs, signal);
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
        return undefined;
      }
    };
    return this.#within(options, (signal) => this.#persist(signal, () => ask(signal)));
  }

  /** What BullMQ knows of a job whose outcome the store has forgotten, or that BullMQ itself has ended. */
  async #kept(): Promise<JobOutcome | undefined> {
    const job = await this.#queues.find(this.id);
    if (!job) {
      const outcome = await outcomeOf(this.#store, this.id);
      if (outcome) return outcome;
      throw new TurnJobNotFoundError(this.id);
    }
    const state = await job.getState();
    const result = job.returnvalue as TurnResult | undefined;
    if (state === "completed" && result && "status" in result) return { type: "result", result };
    if (state !== "failed") return undefined;
    const outcome = await outcomeOf(this.#store, this.id);
    const message = job.failedReason;
    return outcome ?? job.data.over ?? { type: "failed", code: "JOB_FAILED", message, sent: true };
  }

  /** Waits no longer than the caller wants, also for a database that says nothing. */
  async #within<T>(
    { signal, timeoutMs }: JobResultOptions,
    wait: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    throwIfAborted(signal);
    const over = new AbortController();
    using _link = onAbort(signal, (reason) => {
      over.abort(reason);
    });
    using _deadline = onDeadline(timeoutMs ?? Infinity, () => {
      over.abort(new TurnJobPendingError(this.id, timeoutMs ?? 0));
    });
    return await orAborted(wait(over.signal), over.signal);
  }

  /** Asks again and again until there is an answer, also while the store is away. */
  async #persist<T>(signal: AbortSignal, ask: () => Promise<T | undefined>): Promise<T> {
    for (let failures = 0; ;) {
      signal.throwIfAborted();
      this.#queues.throwIfClosed();
      try {
        const found = await ask();
        if (found !== undefined) return found;
        failures = 0;
      } catch (error) {
        signal.throwIfAborted();
        failures = this.#bear(error, failures);
        await pause(longestPauseMs, signal);
      }
    }
  }

  /** What another look may not find any more is borne; the rest is thrown. */
  #bear(error: unknown, failures: number): number {
    this.#queues.throwIfClosed();
    const code = codeOf(error);
    if (code === "STORE_UNAVAILABLE") return failures;
    if (code !== undefined || failures >= maxFailures) throw error;
    return failures + 1;
  }
}

function checkResultOptions(call: string, options: JobResultOptions): void {
  checkOptions(call, options, resultKeys);
  checkSignal(options.signal);
  if (options.timeoutMs !== undefined) checkTimeout(options.timeoutMs);
}

function unwrap(jobId: string, outcome: JobOutcome): TurnResult {
  if (outcome.type === "result")
    return { ...outcome.result, output: outcome.result.output } as TurnResult;
  throw errorOf(jobId, outcome);
}

/** The fate of a command that came too late. */
function tooLate({ type }: TurnCommand): CommandOutcome {
  if (type === "interrupt") return { ok: true };
  const code = type === "answer" ? "REQUEST_NOT_PENDING" : "TURN_NOT_ACTIVE";
  return { ok: false, code, message: "The turn has ended." };
}
