import { Fifo } from "./fifo.js";

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(reason: unknown): void;
}

/**
 * An unbounded queue between a producer that must not wait and one `for await` consumer.
 *
 * What was pushed before `end()` or `fail()` is delivered first. Leaving the loop early calls
 * `onReturn` once and waits for it; after a natural end it is not called.
 */
export class EventQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #items = new Fifo<T>();
  readonly #waiters = new Fifo<Waiter<T>>();
  readonly #onReturn: (() => void | Promise<void>) | undefined;
  #state: "open" | "ended" | "failed" = "open";
  #failure: unknown;

  constructor(onReturn?: () => void | Promise<void>) {
    this.#onReturn = onReturn;
  }

  /** Items that wait for the consumer. */
  get size(): number {
    return this.#items.size;
  }

  push(item: T): void {
    if (this.#state !== "open") return;
    const waiter = this.#waiters.shift();
    if (waiter) waiter.resolve({ value: item, done: false });
    else this.#items.push(item);
  }

  /** Of what waits for the consumer, drops what `wanted` does not want. */
  retain(wanted: (item: T) => boolean): void {
    for (let left = this.#items.size; left > 0; left -= 1) {
      const item = this.#items.shift() as T;
      if (wanted(item)) this.#items.push(item);
    }
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
    const wasOpen = this.#state === "open";
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
}
