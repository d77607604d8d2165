import { unref } from "../../async/realms.js";

/**
 * The pauses of all turns, in one timer: with one of its own, each turn would wake the process, and the viewers of
 * each would be written to at another time.
 */
export class BatchClock {
  /** How long a pause is at most (ms). */
  readonly ms: number;
  #next: Promise<void> | undefined;

  constructor(ms: number) {
    this.ms = ms;
  }

  /** Resolves at the next tick, for all who wait for it. Does not keep the process alive. */
  next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      const tick = (): void => {
        this.#next = undefined;
        resolve();
      };
      unref(setTimeout(tick, this.ms));
    });
    return this.#next;
  }
}
