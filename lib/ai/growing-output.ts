/** Preliminary results replace each other, so each has the output so far: its end, at most (characters). */
const maxShown = 16_384;
const leastGrowth = 256;

/**
 * The output of a running tool call. It is shown when it has grown by a quarter since it was shown last, so
 * that what is sent in all stays within a small factor of the output, however small its pieces are.
 */
export class GrowingOutput {
  #text = "";
  /** How much has come, and how much had come when it was shown last (characters). */
  #length = 0;
  #shown = 0;

  /** Whether it is to be shown now. */
  add(delta: string): boolean {
    this.#text = (this.#text + delta).slice(-maxShown);
    this.#length += delta.length;
    const growth = this.#length - this.#shown;
    const isDue =
      this.#shown === 0 || growth >= Math.max(leastGrowth, Math.min(this.#shown, maxShown) / 4);
    if (isDue) this.#shown = this.#length;
    return isDue;
  }

  /** The end of it. */
  toString(): string {
    return this.#text;
  }
}
