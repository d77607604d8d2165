import { onAbort, reasonOf } from "./abort.js";
import { onDeadline } from "./deadline.js";
import { Deferred } from "./deferred.js";

/** Gives what a waiter is rejected with. It is called for each, so that an error of ours can have a stack of its own. */
export type Failure = () => unknown;

export interface LifeLimits {
  readonly signal?: AbortSignal | undefined;
  /** How long it may take (ms). */
  readonly timeoutMs?: number | undefined;
}

/**
 * How far something has come that runs elsewhere: it waits to be sent, was sent, runs, is ending, which
 * means that nobody waits for it any more though it has not stopped, and is over.
 */
export type LifePhase = "waiting" | "sent" | "running" | "ending" | "over";

/**
 * The life of something that runs elsewhere: a turn, a goal, a command. Whatever ends it, it ends here:
 * those who wait are told once, and what it has taken (timers, listeners, places) is given back once.
 * Both happen at the same time, unless those who wait are told before (`tell`).
 */
export class Life {
  /** Resolves when those who wait have been told. */
  readonly ended: Promise<void>;
  /** Resolves when it is over, and has given everything back. */
  readonly over: Promise<void>;
  readonly #ended = new Deferred<void>();
  readonly #over = new Deferred<void>();
  readonly #releases: (() => void)[] = [];
  #phase: LifePhase = "waiting";
  #wasSent = false;
  #isTold = false;
  #failure: Failure | undefined;
  #cutShort: Failure | undefined;
  #unlink: () => void = () => undefined;

  constructor() {
    this.ended = this.#ended.promise;
    this.over = this.#over.promise;
  }

  get phase(): LifePhase {
    return this.#phase;
  }

  /** Whether it had been sent when it ended, or has been by now. */
  get wasSent(): boolean {
    return this.#wasSent;
  }

  /** Whether those who wait have been told. */
  hasEnded(): boolean {
    return this.#isTold;
  }

  isOver(): boolean {
    return this.#phase === "over";
  }

  /** Whether it is settled what it ends with, though it may not have ended. */
  get isCutShort(): boolean {
    return this.#cutShort !== undefined;
  }

  /** What those who wait are rejected with; undefined when it came to its own end, or has not ended. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** It has come this far, or is back there. Nothing leads back from the end. */
  reach(phase: "waiting" | "sent" | "running"): void {
    if (this.#isTold) return;
    this.#phase = phase;
    this.#wasSent = phase !== "waiting";
  }

  /**
   * Calls `stop` once, when the signal aborts or the time is up; at once for a signal that is aborted
   * already. `expired` makes the error for the latter; without it there is no such limit.
   */
  limit(
    { signal, timeoutMs }: LifeLimits,
    stop: (failure: Failure) => void,
    expired?: (timeoutMs: number) => Error,
  ): void {
    const cut = (failure: Failure): void => {
      if (this.cutShort(failure)) stop(failure);
    };
    if (signal?.aborted) {
      cut(() => reasonOf(signal));
      return;
    }
    const unlink = onAbort(signal, (reason) => {
      cut(() => reason);
    });
    this.#unlink = unlink;
    if (timeoutMs === undefined || !expired) return;
    const stopDeadline = onDeadline(timeoutMs, () => {
      cut(() => expired(timeoutMs));
    });
    this.#unlink = () => {
      stopDeadline();
      unlink();
    };
  }

  /** From now on it can only end with `failure`. Returns false when it has ended, or was cut short before. */
  cutShort(failure: Failure): boolean {
    if (this.#isTold || this.#cutShort) return false;
    this.#cutShort = failure;
    return true;
  }

  /** Has `release` called when it is over: at once if it is. */
  onOver(release: () => void): void {
    if (this.isOver()) release();
    else this.#releases.push(release);
  }

  /**
   * Tells those who wait, although it is not over: it goes on being stopped. Returns whether this has told
   * them, and not something before: `failure` says of what.
   */
  tell(failure?: Failure): boolean {
    if (this.#isTold) return false;
    this.#isTold = true;
    this.#failure = this.#cutShort ?? failure;
    if (!this.isOver()) this.#phase = "ending";
    this.#unlink();
    this.#ended.resolve();
    return true;
  }

  /**
   * It is over: gives everything back, in the order in which it was taken, and tells those who wait. Returns
   * whether this has told them.
   */
  end(failure?: Failure): boolean {
    if (this.isOver()) return false;
    this.#phase = "over";
    for (const release of this.#releases.splice(0)) release();
    this.#over.resolve();
    return this.tell(failure);
  }
}
