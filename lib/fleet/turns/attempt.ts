import { pause } from "../../async/timers.js";
import type { TurnStreamStore } from "../../http/index.js";
import { HandedOverError } from "./handed-over-error.js";
import { HeldAnswers } from "./held-answers.js";
import type { Lease } from "./lease.js";
import type { RunContext } from "./run-context.js";
import { codeOf } from "./server-loss.js";
import { isStoreTrouble, isTaken } from "./store-trouble.js";
import { factsOf, type TurnRequest } from "./turn-request.js";

/** Between two attempts to tell the store what nobody else can (ms). */
const persistMs = 500;

/** One attempt of this worker at one job: what is known of it, and whether this worker still has to do with it. */
export class Attempt {
  readonly context: RunContext;
  readonly lease: Lease;
  /** The job's id. */
  readonly id: string;
  readonly request: TurnRequest;
  /** The job's events, as this attempt may write them. */
  readonly streams: TurnStreamStore;
  readonly answers: HeldAnswers;
  /** Null as long as the job has none. */
  threadId: string | null;
  readonly #gone = new AbortController();
  #isWriting = false;

  constructor(context: RunContext, lease: Lease) {
    this.context = context;
    this.lease = lease;
    this.id = lease.job.id ?? "";
    this.request = lease.job.data as TurnRequest;
    this.threadId = this.request.thread;
    this.streams = context.store.streamsAs(lease.holder);
    this.answers = new HeldAnswers(context.settings.answerWithinMs);
  }

  /** Aborts when this worker has nothing to do with the job any more. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Whether this attempt is the one that writes the job's events. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Ends what this attempt does, and leaves its turn and what that asks as they are. */
  leave(): void {
    this.answers.handOver();
    this.#gone.abort();
  }

  /** From now on, this attempt alone writes the job's events. */
  async beginWriting(threadId: string | null): Promise<void> {
    const facts = factsOf(this.request.owner, threadId);
    await this.streams.create(this.id, facts, this.context.settings.limits);
    this.#isWriting = true;
  }

  /** @throws HandedOverError when the lock is lost, or nobody can tell. */
  async renewLock(): Promise<void> {
    const isHeld = await this.lease.renew().catch((error: unknown) => {
      this.context.settings.onError(error);
      return false;
    });
    if (!isHeld || this.gone.aborted) throw new HandedOverError();
  }

  /** Does what has to be done once the database is back. @throws HandedOverError */
  async persist<T>(write: () => Promise<T>): Promise<T> {
    for (;;) {
      if (this.gone.aborted) throw new HandedOverError();
      try {
        return await write();
      } catch (error) {
        if (isTaken(error) || error instanceof HandedOverError) throw new HandedOverError();
        if (codeOf(error) !== undefined && !isStoreTrouble(error)) throw error;
        this.context.settings.onError(error);
        await pause(persistMs, this.gone).catch(() => undefined);
      }
    }
  }
}
