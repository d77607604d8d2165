import type { BacklogBudget, Drop } from "./backlog-budget.js";
import { Fifo } from "./fifo.js";

/** Items that wait as one, because each goes on where the one before it ended. */
export interface Merge<T> {
  /** Takes `item` in, if it goes on with the others, and returns how much weight that adds. */
  add(item: T): number | undefined;
  /** All of them as one item. What was taken in stays as it is. */
  toItem(): T;
}

export interface BacklogRules<T> {
  /** When as many items wait, the oldest gives way to a new one (default: never). */
  readonly maxItems?: number | undefined;
  /** More than this may not wait, in the unit of `weigh`. */
  readonly maxWeight: number;
  /** How much an item counts while it waits: about the bytes it takes, or 1. */
  weigh(item: T): number;
  /** Makes what the consumer is thrown when more has to wait. */
  overflow(): unknown;
  /** From how many waiting items on new ones are merged with the newest (default: never). */
  readonly mergeFrom?: number | undefined;
  /** Begins to merge with the first item; undefined for one that is never merged with others. */
  startMerge?(first: T): Merge<T> | undefined;
  /**
   * Names what an item tells the newest of; undefined for one that no later item makes superfluous. A new
   * item takes the place of an older one of that name, if the consumer lags.
   */
  keyOf?(item: T): string | undefined;
  /** From this weight on the consumer lags, or from `mergeFrom` items on. */
  readonly lagWeight?: number | undefined;
}

/** Only the newest `count` items wait: a slow reader misses the older ones. */
export function newest<T>(count: number, weigh: (item: T) => number = () => 1): BacklogRules<T> {
  return { maxItems: count, maxWeight: Infinity, weigh, overflow: () => undefined };
}

/** In the place of an item that a newer one has made superfluous. */
const gone = Symbol("gone");

interface Waiting<T> {
  item: T | typeof gone;
  weight: number;
  readonly key: string | undefined;
}

/** The number of gone items that may stand between waiting ones, if it is more than the waiting ones. */
const maxGone = 64;

/** Items that a consumer has not taken yet: first in, first out, and no more than the rules allow. */
export class Backlog<T> {
  readonly #rules: BacklogRules<T> | undefined;
  readonly #items = new Fifo<Waiting<T>>();
  #weight = 0;
  #newest: Waiting<T> | undefined;
  /** The newest item, after merging. */
  #merged: Merge<T> | undefined;
  /** The newest of each name. */
  #newestOf: Map<string, Waiting<T>> | undefined;
  #gone = 0;
  #drop: Drop | undefined;
  #count: ((change: number) => void) | undefined;

  /** Without rules, everything waits. */
  constructor(rules?: BacklogRules<T>) {
    this.#rules = rules;
  }

  get size(): number {
    return this.#items.size - this.#gone;
  }

  get weight(): number {
    return this.#weight;
  }

  /** From now on what waits counts in `budget`, too, which may call `drop`; that drops what has weight. */
  countIn(budget: BacklogBudget, drop: Drop): void {
    if (this.#count) return;
    this.#drop = drop;
    this.#count = budget.open(this.#drop);
    if (this.#weight > 0) this.#count(this.#weight);
  }

  /** Whether all of it may wait. The item is taken in in any case. */
  push(item: T): boolean {
    const rules = this.#rules;
    if (!rules) {
      this.#append(item, 0);
      return true;
    }
    if (this.size >= (rules.maxItems ?? Infinity)) this.shift();
    const before = this.#weight;
    if (this.size < (rules.mergeFrom ?? Infinity) || !this.#merge(rules, item)) {
      const key = rules.keyOf?.(item);
      if (key !== undefined && this.#lags(rules)) this.#supersede(key);
      this.#append(item, rules.weigh(item), key);
    }
    const isWithin = this.#weight <= rules.maxWeight;
    // It may drop what waits here, too.
    this.#count?.(this.#weight - before);
    return isWithin;
  }

  shift(): T | undefined {
    let oldest = this.#items.shift();
    while (oldest?.item === gone) {
      this.#gone -= 1;
      oldest = this.#items.shift();
    }
    if (!oldest) return undefined;
    if (oldest === this.#newest) {
      this.#endMerge();
      this.#newest = undefined;
    }
    this.#forget(oldest);
    this.#count?.(-oldest.weight);
    return oldest.item;
  }

  /** Drops what `wanted` does not want. */
  retain(wanted: (item: T) => boolean): void {
    this.#endMerge();
    const before = this.#weight;
    this.#newest = undefined;
    for (let left = this.#items.size; left > 0; left -= 1) {
      const waiting = this.#items.shift() as Waiting<T>;
      if (waiting.item === gone) continue;
      if (wanted(waiting.item)) {
        this.#items.push(waiting);
        this.#newest = waiting;
      } else {
        this.#forget(waiting);
      }
    }
    this.#gone = 0;
    this.#count?.(this.#weight - before);
  }

  /** Takes out what is `wanted`, in order. */
  takeOut(wanted: (item: T) => boolean): T[] {
    const taken: T[] = [];
    this.retain((item) => {
      if (!wanted(item)) return true;
      taken.push(item);
      return false;
    });
    return taken;
  }

  clear(): void {
    if (this.#items.size > 0) this.retain(() => false);
  }

  #append(item: T, weight: number, key?: string): void {
    this.#endMerge();
    this.#newest = { item, weight, key };
    this.#weight += weight;
    this.#items.push(this.#newest);
    if (key === undefined) return;
    this.#newestOf ??= new Map();
    this.#newestOf.set(key, this.#newest);
  }

  #lags({ mergeFrom = Infinity, lagWeight = Infinity }: BacklogRules<T>): boolean {
    return this.size >= mergeFrom || this.#weight >= lagWeight;
  }

  /** Drops the item of this name that waits: the newest one stands where it has come. */
  #supersede(key: string): void {
    const older = this.#newestOf?.get(key);
    if (!older) return;
    this.#forget(older);
    older.item = gone;
    this.#gone += 1;
    if (this.#gone > maxGone && this.#gone > this.size) this.retain(() => true);
  }

  #forget(waiting: Waiting<T>): void {
    this.#weight -= waiting.weight;
    const { key } = waiting;
    if (key !== undefined && this.#newestOf?.get(key) === waiting) this.#newestOf.delete(key);
  }

  #merge(rules: BacklogRules<T>, item: T): boolean {
    const newest = this.#newest;
    const merged = this.#merged ?? (newest && rules.startMerge?.(newest.item as T));
    const weight = merged?.add(item);
    if (!newest || weight === undefined) return false;
    this.#merged = merged;
    newest.weight += weight;
    this.#weight += weight;
    return true;
  }

  #endMerge(): void {
    if (!this.#merged || !this.#newest) return;
    this.#newest.item = this.#merged.toItem();
    this.#merged = undefined;
  }
}
