import {
  amount,
  checkFields,
  checkObject,
  checkOrder,
  flag,
  flagOrObject,
  whole,
  type Rule,
  type RulesOf,
} from "../errors/check-values.js";
import { maxTimerMs } from "../async/deadline.js";
import { pause } from "../async/timers.js";
import { RestartLimitError } from "../errors/start-errors.js";

/** Options for replacing the server process of a `Codex` after it died, or could not be started. */
export interface RestartOptions {
  /**
   * How many failures in a row are followed by a new start (default 5). After one more, calls reject at
   * once with a RestartLimitError until `stableAfterMs` have passed.
   */
  retries?: number | undefined;
  /** The pause before the start that follows the second failure in a row (ms, default 250). */
  minDelayMs?: number | undefined;
  /** The longest pause; each is twice the one before (ms, default 10,000). */
  maxDelayMs?: number | undefined;
  /**
   * How long a process must have lived for the count of failures to start again at one (ms, default
   * 60,000).
   */
  stableAfterMs?: number | undefined;
  /**
   * Whether a process that died, or could not be started, is replaced at once instead of by the next call
   * (default false), with the same pauses. `currentStatus` then becomes `ready` again without a call, as a
   * load balancer needs it. After the last of the `retries` the client waits `stableAfterMs`, and goes on.
   * Nothing is started before the first call, or after `close()`.
   */
  eager?: boolean | undefined;
}

const delay: Rule = {
  fits: (value) => amount.fits(value) && (value as number) <= maxTimerMs,
  problem: "must be a number of milliseconds",
};

const restartRules: RulesOf<RestartOptions> = {
  retries: whole(0),
  minDelayMs: delay,
  maxDelayMs: delay,
  stableAfterMs: delay,
  eager: flag,
};

type Limits = { readonly [Name in Exclude<keyof RestartOptions, "eager">]-?: number };

export function checkRestart(value: unknown): void {
  checkFields({ restart: value }, { restart: flagOrObject });
  if (typeof value !== "object") return;
  checkObject("restart", value, restartRules);
  const { minDelayMs, maxDelayMs } = withDefaults(value as RestartOptions);
  checkOrder({ minDelayMs, maxDelayMs }, "restart");
}

/**
 * When the next process may be started. The first failure costs no pause: a process that has run for
 * weeks and dies is replaced at once. Only failures in a row slow down what would otherwise be a
 * loop of crashes, one for each request that a busy host serves.
 */
export class RestartPolicy {
  /** Whether a loss is made up for without a call. */
  readonly eager: boolean;
  readonly #limits: Limits;
  #failures = 0;
  #lastFailure: { readonly error: unknown; readonly at: number } | undefined;
  #startedAt: number | undefined;

  constructor(options: RestartOptions = {}) {
    this.eager = options.eager ?? false;
    this.#limits = withDefaults(options);
  }

  /** Which start in a row the next one is, from 1. */
  get attempt(): number {
    return this.#failures + 1;
  }

  /**
   * Resolves when a process may be started.
   *
   * @throws RestartLimitError when too many have failed; `signal.reason`.
   */
  async admit(signal: AbortSignal): Promise<void> {
    const { retries, stableAfterMs } = this.#limits;
    if (!this.#lastFailure) return;
    const since = performance.now() - this.#lastFailure.at;
    if (this.#failures > retries) {
      if (since < stableAfterMs) {
        const { error } = this.#lastFailure;
        throw new RestartLimitError(this.#failures, Math.ceil(stableAfterMs - since), error);
      }
      // Whatever was wrong may have been mended meanwhile.
      this.#failures = 0;
    }
    if (this.#failures < 2) return;
    await pause(Math.max(0, this.delayMs(this.#failures - 1) - since), signal);
  }

  /** The pause after so many failed attempts to make up for a failure, from 1 (ms). */
  delayMs(attempts: number): number {
    const { minDelayMs, maxDelayMs } = this.#limits;
    // Zero times infinity is no number.
    return Math.min(maxDelayMs, minDelayMs * 2 ** Math.min(attempts - 1, 100));
  }

  started(): void {
    this.#startedAt = performance.now();
  }

  /** The process was ended on purpose. */
  ended(): void {
    if (this.#wasStable) this.#failures = 0;
    this.#startedAt = undefined;
  }

  /** A start has failed, or the process has ended by itself. */
  failed(error: unknown): void {
    this.#failures = this.#wasStable ? 1 : this.#failures + 1;
    this.#lastFailure = { error, at: performance.now() };
    this.#startedAt = undefined;
  }

  /** Whether the process has lived for long enough. */
  get #wasStable(): boolean {
    const { stableAfterMs } = this.#limits;
    return this.#startedAt !== undefined && performance.now() - this.#startedAt >= stableAfterMs;
  }
}

function withDefaults(options: RestartOptions): Limits {
  const { retries = 5, minDelayMs = 250, maxDelayMs = 10_000, stableAfterMs = 60_000 } = options;
  return { retries, minDelayMs, maxDelayMs, stableAfterMs };
}
