import { onAbort, reasonOf } from "../../async/abort.js";
import { onDeadline } from "../../async/deadline.js";
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
  wait(signal: AbortSignal): Promise<void> {
    const { resource, maxWaiting, waitMs } = this.#options;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(toError(reasonOf(signal)));
        return;
      }
      if (this.#waiting.size >= maxWaiting) {
        reject(new PoolFullError(resource, 0));
        return;
      }
      const leave = (): void => {
        this.#waiting.delete(waiter);
        unlink();
        stopDeadline();
      };
      const waiter: Waiter = {
        admit: () => {
          leave();
          resolve();
        },
        refuse: () => {
          leave();
          reject(new PoolFullError(resource, waitMs));
        },
      };
      const unlink = onAbort(signal, (reason) => {
        leave();
        reject(toError(reason));
      });
      // Who may not wait at all is refused by those who have looked for a place.
      const stopDeadline = waitMs === 0 ? () => undefined : onDeadline(waitMs, waiter.refuse);
      this.#waiting.add(waiter);
    });
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

/** The reasons of the signals here are errors of ours. */
function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("It was given up.", { cause: reason });
}
