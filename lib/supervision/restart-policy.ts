import { checkKeys, type KeysOf } from "../errors/check-options.js";
import { pause } from "../async/timers.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
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

const restartKeys: KeysOf<RestartOptions> = {
  retries: true,
  minDelayMs: true,
  maxDelayMs: true,
  stableAfterMs: true,
  eager: true,
};

type Limits = { readonly [Name in Exclude<keyof RestartOptions, "eager">]-?: number };

/** @throws InvalidArgumentError, which names the option. */
export function checkRestart(value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  if (typeof value !== "object" || value === null) {
    throw new InvalidArgumentError("restart", "must be true, false or an object");
  }
  checkKeys("restart", value, restartKeys);
  const { eager } = value as RestartOptions;
  if (eager !== undefined && typeof eager !== "boolean") {
    throw new InvalidArgumentError("restart.eager", "must be true or false");
  }
  const limits = withDefaults(value);
  if (!Number.isInteger(limits.retries) || limits.retries < 0) {
    throw new InvalidArgumentError("restart.retries", "must be a whole number, 0 or more");
  }
  for (const name of ["minDelayMs", "maxDelayMs", "stableAfterMs"] as const) {
    if (!(limits[name] >= 0) || limits[name] > 2 ** 31 - 1) {
      throw new InvalidArgumentError(`restart.${name}`, "must be a number of milliseconds");
    }
  }
  if (limits.maxDelayMs < limits.minDelayMs) {
    throw new InvalidArgumentError("restart.maxDelayMs", "must not be less than minDelayMs");
  }
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

  /** A start has failed, or the process has ended by itself. */
  failed(error: unknown): void {
    const at = performance.now();
    const wasStable =
      this.#startedAt !== undefined && at - this.#startedAt >= this.#limits.stableAfterMs;
    this.#failures = wasStable ? 1 : this.#failures + 1;
    this.#lastFailure = { error, at };
    this.#startedAt = undefined;
  }
}

function withDefaults(options: RestartOptions): Limits {
  const { retries = 5, minDelayMs = 250, maxDelayMs = 10_000, stableAfterMs = 60_000 } = options;
  return { retries, minDelayMs, maxDelayMs, stableAfterMs };
}
