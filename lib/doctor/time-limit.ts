import { orAborted, throwIfAborted } from "../async/abort.js";
import { timeLeft } from "../async/deadline.js";
import { settleWithin } from "../async/timers.js";
import type { Finding } from "./finding.js";

/** The time that all checks have together, and what ends them early. */
export class TimeLimit {
  readonly #limitMs: number;
  readonly #signal: AbortSignal;
  readonly #since = performance.now();

  constructor(limitMs: number, signal: AbortSignal) {
    this.#limitMs = limitMs;
    this.#signal = signal;
  }

  /** The time left (ms), always more than 0. */
  get remainingMs(): number {
    return timeLeft(this.#limitMs, this.#since);
  }

  /** In words. */
  get text(): string {
    return `${this.#limitMs / 1_000} s`;
  }

  /**
   * Settles with the finding of a check, or with `late` when time is up first. What the check throws is a
   * failure, too: one that nobody has thought of.
   *
   * @throws the signal's reason.
   */
  async bound(
    name: string,
    check: () => Promise<Finding>,
    late: () => Finding = () => this.#late(name),
  ): Promise<Finding> {
    try {
      const checking = settleWithin(check(), this.remainingMs);
      const finding = await orAborted(checking, this.#signal);
      return finding === "timeout" ? late() : finding;
    } catch (error) {
      throwIfAborted(this.#signal);
      const says = error instanceof Error ? error.message : String(error);
      const cure = "Mend what the message says, and try again.";
      return { name, status: "failure", says: says.replaceAll(/\s+/g, " "), cure };
    }
  }

  #late(name: string): Finding {
    const says = `Not answered within ${this.text}.`;
    const cure = "Give it more time; if that does not help, look at what holds it up.";
    return { name, status: "failure", says, cure };
  }
}
