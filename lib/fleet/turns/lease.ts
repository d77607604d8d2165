import type { Job } from "bullmq";

/** How much of a lock's time must be left (a share of it) for a check without asking the database. */
const safeShare = 0.5;

/**
 * What a worker knows of its lock on a job. BullMQ renews it; when that fails, or this process was stopped for too
 * long, another worker may have the job.
 */
export class Lease {
  readonly job: Job;
  readonly token: string;
  /** Who holds it: this worker, in this attempt. No other attempt has the same name. */
  readonly holder: string;
  readonly #durationMs: number;
  readonly #over = new AbortController();
  #renewedAt = performance.now();

  constructor(job: Job, token: string, holder: string, durationMs: number) {
    this.job = job;
    this.token = token;
    this.holder = holder;
    this.#durationMs = durationMs;
  }

  /** Aborts when the lock is known to be lost. */
  get lost(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Whether the lock is surely held, by the clock of this process. Only what was asked for here counts: how old the news
   * are that BullMQ has renewed it, nobody knows in a process that was stopped.
   */
  get isSure(): boolean {
    const ageMs = performance.now() - this.#renewedAt;
    return !this.#over.signal.aborted && ageMs < safeShare * this.#durationMs;
  }

  /** BullMQ could not renew it. */
  lose(): void {
    this.#over.abort();
  }

  /** Renews the lock. Resolves with whether it was still held. Rejects when the database is away. */
  async renew(): Promise<boolean> {
    if (this.lost.aborted) return false;
    // The lock counts from the moment when the database hears of it, which is later.
    const askedAt = performance.now();
    const isHeld = (await this.job.extendLock(this.token, this.#durationMs)) > 0;
    if (isHeld) this.#renewedAt = askedAt;
    else this.lose();
    return isHeld;
  }
}
