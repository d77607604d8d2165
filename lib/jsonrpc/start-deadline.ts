import { timeLeft } from "../async/deadline.js";
import { settleWithin } from "../async/timers.js";
import { HandshakeError } from "../errors/start-errors.js";

/** How long a start may take as a whole: finding the program, starting it, the handshake. */
export class StartDeadline {
  readonly limitMs: number;
  readonly #begin = performance.now();

  /** Counts from now on; `Infinity` is no limit. */
  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** The time left for the next step (ms), always more than 0. */
  get remainingMs(): number {
    return timeLeft(this.limitMs, this.#begin);
  }

  /**
   * Waits for a step before there is a process.
   *
   * @throws HandshakeError when time is up; what the step comes to afterwards is of no interest.
   */
  async bound<T>(step: Promise<T>): Promise<T> {
    const outcome = await settleWithin(step, this.remainingMs);
    if (outcome !== "timeout") return outcome;
    const problem = `No process could be started within ${this.limitMs} ms: looking for the program took too long. Raise startTimeoutMs if it needs longer.`;
    throw new HandshakeError(problem, "");
  }
}
