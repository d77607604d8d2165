/**
 * How long after the thread went idle, or after an error that ends the turn, `turn/completed` may
 * take to come before the server is asked (ms). It follows within a few milliseconds.
 */
const endGraceMs = 1_000;

/** Asks what has become of a turn when its end should have come and did not. */
export class TurnEndWatch {
  readonly #ask: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #asking = false;
  /** How many have come since the server was asked. */
  #suspicions = 0;

  /** `ask` never rejects. */
  constructor(ask: () => Promise<void>) {
    this.#ask = ask;
  }

  /** Something says that the turn is over, or will be at once. */
  suspect(): void {
    this.#suspicions += 1;
    if (this.#asking || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#check();
    }, endGraceMs);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#suspicions = 0;
  }

  async #check(): Promise<void> {
    this.#asking = true;
    this.#suspicions = 0;
    await this.#ask();
    this.#asking = false;
    if (this.#suspicions > 0) this.suspect();
  }
}
