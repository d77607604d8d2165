import type { AsyncIteration } from "./async-iteration.js";
import { Backlog, type BacklogRules } from "./backlog.js";
import type { BacklogBudget } from "./backlog-budget.js";
import { Fifo } from "./fifo.js";

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(reason: unknown): void;
}

/**
 * A queue between a producer that must not wait and one `for await` consumer.
 *
 * Items that were pushed before `end()` or `fail()` are delivered first. Leaving the loop early calls
 * `onReturn` once and waits for it; after a natural end it is not called.
 *
 * `rules` keep in bounds what waits. When it becomes too much, all of it is dropped at once, and the
 * consumer is thrown what the rules say instead. One that leaves without having seen that calls
 * `onReturn`, as it would have.
 */
export class EventQueue<T> implements AsyncIteration<T> {
  readonly #items: Backlog<T>;
  readonly #rules: BacklogRules<T> | undefined;
  readonly #waiters = new Fifo<Waiter<T>>();
  readonly #onReturn: (() => void | Promise<void>) | undefined;
  #state: "open" | "ended" | "failed" = "open";
  #failure: unknown;
  #overflowed = false;

  constructor(onReturn?: () => void | Promise<void>, rules?: BacklogRules<T>) {
    this.#onReturn = onReturn;
    this.#rules = rules;
    this.#items = new Backlog(rules);
  }

  get size(): number {
    return this.#items.size;
  }

  /** The size of the waiting items, in the unit of the rules. */
  get weight(): number {
    return this.#items.weight;
  }

  /**
   * From now on what waits counts in `budget`, too; what that drops is dropped as too much is, and first
   * of all while `isSpare` says so.
   */
  countIn(budget: BacklogBudget, isSpare?: () => boolean): void {
    const drop = (reason: unknown): void => {
      const own: unknown = this.#rules?.overflow();
      this.#overflow(reason ?? own);
    };
    this.#items.countIn(budget, Object.assign(drop, { isSpare }));
  }

  push(item: T): void {
    if (this.#state !== "open") return;
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve({ value: item, done: false });
    else if (!this.#items.push(item)) this.#overflow(this.#rules?.overflow());
  }

  /** Drops the waiting items that `wanted` refuses. */
  retain(wanted: (item: T) => boolean): void {
    this.#items.retain(wanted);
  }

  /** Drops what waits for the consumer. */
  clear(): void {
    this.#items.clear();
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    for (let waiter = this.#waiters.shift(); waiter; waiter = this.#waiters.shift()) {
      waiter.resolve({ value: undefined, done: true });
    }
  }

  /** Rejects the reads that wait at this moment, and says how many those were. The queue goes on. */
  interrupt(reason: unknown): number {
    let count = 0;
    for (let waiter = this.#waiters.shift(); waiter; waiter = this.#waiters.shift()) {
      waiter.reject(reason);
      count += 1;
    }
    return count;
  }

  /** The consumer gets `reason` thrown once, after the items that came before it. */
  fail(reason: unknown): void {
    if (this.#state !== "open") return;
    const waiter = this.#waiters.shift();
    if (waiter) {
      this.end();
      waiter.reject(reason);
      return;
    }
    this.#state = "failed";
    this.#failure = reason;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#items.size > 0) {
      return Promise.resolve({ value: this.#items.shift() as T, done: false });
    }
    if (this.#state === "failed") {
      this.#state = "ended";
      const reason: unknown = this.#failure;
      this.#failure = undefined;
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an abort reason may be anything
      return Promise.reject(reason);
    }
    if (this.#state === "ended") return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    const wasOpen = this.#state === "open" || (this.#state === "failed" && this.#overflowed);
    this.#items.clear();
    this.#failure = undefined;
    this.end();
    this.#state = "ended";
    if (wasOpen) await this.#onReturn?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #overflow(reason: unknown): void {
    this.#items.clear();
    // Of one that has ended by itself, the rest is missing all the same.
    if (this.#state === "ended") this.#state = "open";
    if (this.#state !== "open") return;
    this.#overflowed = true;
    this.fail(reason);
  }
}
