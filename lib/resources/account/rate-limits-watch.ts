import { onAbort } from "../../async/abort.js";
import type { AsyncIteration } from "../../async/async-iteration.js";
import { EventQueue } from "../../async/event-queue.js";
import { TransportClosedError } from "../../errors/connection-errors.js";
import type { GetSession, Session } from "../../session/session.js";
import type { KnownRateLimits } from "../../results/rate-limits.js";

/**
 * The known rate limits, now and after each change. A late reader gets the newest only. It holds nothing
 * before the first `next()`, and nothing after the loop was left.
 */
export class RateLimitsWatch implements AsyncIteration<KnownRateLimits> {
  readonly #getSession: GetSession;
  readonly #signal: AbortSignal | undefined;
  readonly #stops: (() => void)[] = [];
  readonly #queue = new EventQueue<KnownRateLimits>(() => {
    this.#release();
  });
  #started: Promise<void> | undefined;
  #released = false;

  constructor(getSession: GetSession, signal: AbortSignal | undefined) {
    this.#getSession = getSession;
    this.#signal = signal;
  }

  next(): Promise<IteratorResult<KnownRateLimits, undefined>> {
    this.#started ??= this.#start();
    return this.#queue.next();
  }

  return(): Promise<IteratorResult<KnownRateLimits, undefined>> {
    this.#release();
    return this.#queue.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #start(): Promise<void> {
    if (this.#isOver()) return;
    const unlink = onAbort(this.#signal, (reason) => {
      this.#fail(reason);
    });
    this.#stops.push(unlink);
    if (this.#signal?.aborted) return;
    try {
      const session = await this.#getSession();
      if (!this.#isOver()) this.#follow(session);
    } catch (error) {
      this.#fail(error);
    }
  }

  #follow(session: Session): void {
    const offer = (): void => {
      const known = session.rateLimits.current;
      if (!known) return;
      this.#queue.clear();
      this.#queue.push(known);
    };
    offer();
    const unlink = onAbort(session.signal, (reason) => {
      this.#end(reason);
    });
    this.#stops.push(session.rateLimits.onChange(offer), unlink);
  }

  /** Closing was the caller's wish; anything else must not look like a natural end. */
  #end(reason: unknown): void {
    if (!(reason instanceof TransportClosedError)) this.#fail(reason);
    else if (reason.reason.kind !== "closed") this.#fail(new TransportClosedError(reason.reason));
    else {
      this.#release();
      this.#queue.end();
    }
  }

  #fail(reason: unknown): void {
    this.#release();
    this.#queue.fail(reason);
  }

  #isOver(): boolean {
    return this.#released;
  }

  #release(): void {
    this.#released = true;
    for (const stop of this.#stops.splice(0)) stop();
  }
}
