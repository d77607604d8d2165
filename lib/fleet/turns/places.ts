/** The turns that a worker runs at a time, whatever queue they come from. */
export class Places {
  readonly #limit: number;
  readonly #changed: (isFull: boolean) => void;
  #taken = 0;

  /** `changed` is called when the last place was taken, and when there is one again. */
  constructor(limit: number, changed: (isFull: boolean) => void) {
    this.#limit = limit;
    this.#changed = changed;
  }

  get taken(): number {
    return this.#taken;
  }

  get isFull(): boolean {
    return this.#taken >= this.#limit;
  }

  /** Takes a place, until the function that is returned is called, once; undefined when there is none. */
  take(): (() => void) | undefined {
    if (this.isFull) return undefined;
    this.#taken += 1;
    if (this.#taken >= this.#limit) this.#changed(true);
    return () => {
      const wasFull = this.isFull;
      this.#taken -= 1;
      if (wasFull) this.#changed(false);
    };
  }
}
