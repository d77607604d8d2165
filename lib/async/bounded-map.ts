/**
 * A map of at most so many entries. An entry that is set becomes the newest; when there are too many, the
 * oldest sixteenth is forgotten. One at a time would cost more: a Map finds its oldest entry the more slowly,
 * the more entries it has just lost.
 */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #maxSize: number;
  readonly #onForgotten: (key: Key, value: Value) => void;

  /** `onForgotten` gets each entry that has given way; not those that somebody has deleted. */
  constructor(maxSize: number, onForgotten: (key: Key, value: Value) => void = () => undefined) {
    super();
    this.#maxSize = maxSize;
    this.#onForgotten = onForgotten;
  }

  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    if (this.size > this.#maxSize) this.forgetOldest(1 + Math.floor(this.#maxSize / 16));
    return this;
  }

  forgetOldest(count = 1): void {
    let left = count;
    for (const [key, value] of this) {
      if (left === 0) return;
      left -= 1;
      this.delete(key);
      this.#onForgotten(key, value);
    }
  }
}
