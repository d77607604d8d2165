/**
 * What a client is asked for: whether something is under way at this moment, and when something was last. It
 * outlives the connection, and the process of the server.
 */
export class Activity {
  #underWay = 0;
  #count = 0;
  #lastAt = performance.now();

  /** Whether a request has no answer yet. */
  get isUnderWay(): boolean {
    return this.#underWay > 0;
  }

  /** Changes whenever something is asked for, or has ended. */
  get count(): number {
    return this.#count;
  }

  /** When something was asked for, or ended, last (ms of the performance clock). */
  get lastAt(): number {
    return this.#lastAt;
  }

  /** Something was asked for, or has ended. */
  touch(): void {
    this.#count += 1;
    this.#lastAt = performance.now();
  }

  /** Resolves, or rejects, as `request` does, which is under way until then. */
  async during<T>(request: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    this.touch();
    try {
      return await request();
    } finally {
      this.#underWay -= 1;
      this.touch();
    }
  }
}
