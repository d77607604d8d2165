import { Fifo } from "./fifo.js";

/** Items that wait as one, because each goes on where the one before it ended. */
export interface Run<T> {
  /** Takes `item` in, if it goes on with the run, and returns how much weight that adds. */
  add(item: T): number | undefined;
  /** The whole run as one item. What was taken in stays as it is. */
  toItem(): T;
}

/** What keeps a backlog in bounds. */
export interface BacklogRules<T> {
  /** More than this may not wait, in the unit of `weigh`. */
  readonly maxWeight: number;
  /** How much an item counts while it waits: about the bytes it takes, or 1. */
  weigh(item: T): number;
  /** Makes what the consumer is thrown when more has to wait. */
  overflow(): unknown;
  /** From how many waiting items on new ones are merged with the newest (default: never). */
  readonly mergeFrom?: number | undefined;
  /** Begins a run with its first item; undefined for one that is never merged with others. */
  startRun?(first: T): Run<T> | undefined;
}

/** Nothing waits but the newest item, which is all that the consumer needs. */
export function newestOnly<T>(): BacklogRules<T> {
  return {
    maxWeight: Infinity,
    weigh: () => 0,
    overflow: () => undefined,
    mergeFrom: 1,
    startRun: (first) => {
      let newest = first;
      return {
        add: (item) => {
          newest = item;
          return 0;
        },
        toItem: () => newest,
      };
    },
  };
}

interface Waiting<T> {
  item: T;
  weight: number;
}

/** What a consumer has not taken yet: first in, first out, and no more of it than the rules allow. */
export class Backlog<T> {
  readonly #rules: BacklogRules<T> | undefined;
  readonly #items = new Fifo<Waiting<T>>();
  #weight = 0;
  #newest: Waiting<T> | undefined;
  /** What the newest item has become by merging. */
  #run: Run<T> | undefined;

  /** Without rules, everything waits. */
  constructor(rules?: BacklogRules<T>) {
    this.#rules = rules;
  }

  get size(): number {
    return this.#items.size;
  }

  /** Whether all of it may wait. The item is taken in in any case. */
  push(item: T): boolean {
    const rules = this.#rules;
    if (!rules) {
      this.#append(item, 0);
      return true;
    }
    if (this.#items.size < (rules.mergeFrom ?? Infinity) || !this.#merge(rules, item)) {
      this.#append(item, rules.weigh(item));
    }
    return this.#weight <= rules.maxWeight;
  }

  shift(): T | undefined {
    const oldest = this.#items.shift();
    if (!oldest) return undefined;
    if (oldest === this.#newest) {
      this.#closeRun();
      this.#newest = undefined;
    }
    this.#weight -= oldest.weight;
    return oldest.item;
  }

  /** Drops what `wanted` does not want. */
  retain(wanted: (item: T) => boolean): void {
    this.#closeRun();
    this.#newest = undefined;
    for (let left = this.#items.size; left > 0; left -= 1) {
      const waiting = this.#items.shift() as Waiting<T>;
      if (wanted(waiting.item)) {
        this.#items.push(waiting);
        this.#newest = waiting;
      } else {
        this.#weight -= waiting.weight;
      }
    }
  }

  clear(): void {
    this.#items.clear();
    this.#weight = 0;
    this.#newest = undefined;
    this.#run = undefined;
  }

  #append(item: T, weight: number): void {
    this.#closeRun();
    this.#newest = { item, weight };
    this.#weight += weight;
    this.#items.push(this.#newest);
  }

  #merge(rules: BacklogRules<T>, item: T): boolean {
    const newest = this.#newest;
    const run = this.#run ?? (newest && rules.startRun?.(newest.item));
    const weight = run?.add(item);
    if (!newest || weight === undefined) return false;
    this.#run = run;
    newest.weight += weight;
    this.#weight += weight;
    return true;
  }

  #closeRun(): void {
    if (!this.#run || !this.#newest) return;
    this.#newest.item = this.#run.toItem();
    this.#run = undefined;
  }
}
