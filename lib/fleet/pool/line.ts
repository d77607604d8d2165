import { onAbort, throwIfAborted } from "../../async/abort.js";
import { onDeadline } from "../../async/deadline.js";
import { Deferred } from "../../async/deferred.js";
import { PoolFullError, type PoolResource } from "../../index.js";

interface LineOptions {
  readonly resource: PoolResource;
  /** How many may wait. */
  readonly maxWaiting: number;
  /** How long each may wait (ms). */
  readonly waitMs: number;
}

/** Somebody who waits for a place. */
interface Waiter {
  readonly admit: () => void;
  readonly refuse: () => void;
}

/** Those who wait for places, in the order in which they came. */
export class Line {
  readonly #options: LineOptions;
  readonly #waiting = new Set<Waiter>();

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves when `admitNext()` has come to this one. From then on it has the place, so nothing is awaited in between.
   *
   * @throws PoolFullError; the reason of `signal`.
   */
  async wait(signal: AbortSignal): Promise<void> {
    const { resource, maxWaiting, waitMs } = this.#options;
    throwIfAborted(signal);
    if (this.#waiting.size >= maxWaiting) throw new PoolFullError(resource, 0);
    const admitted = new Deferred<void>();
    const waiter: Waiter = {
      admit: () => {
        this.#waiting.delete(waiter);
        admitted.resolve();
      },
      refuse: () => {
        this.#waiting.delete(waiter);
        admitted.reject(new PoolFullError(resource, waitMs));
      },
    };
    using _link = onAbort(signal, (reason) => {
      this.#waiting.delete(waiter);
      admitted.reject(reason);
    });
    // Who may not wait at all is refused by those who have looked for a place.
    using _deadline = onDeadline(waitMs === 0 ? Infinity : waitMs, waiter.refuse);
    this.#waiting.add(waiter);
    await admitted.promise;
  }

  /** There is no place for any of them. */
  refuseAll(): void {
    for (const { refuse } of [...this.#waiting]) refuse();
  }

  /** Gives a place to the one who has waited longest; returns whether somebody waited. */
  admitNext(): boolean {
    const [first] = this.#waiting;
    first?.admit();
    return first !== undefined;
  }
}
