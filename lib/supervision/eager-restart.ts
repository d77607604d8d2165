import type { Logger } from "../async/logger.js";
import { pause } from "../async/timers.js";
import { isAppServerError } from "../errors/base.js";
import { RestartLimitError } from "../errors/start-errors.js";
import type { RestartPolicy } from "./restart-policy.js";

export interface EagerRestartOptions {
  /** Does what a call does that needs the server. */
  readonly start: () => Promise<unknown>;
  readonly policy: Pick<RestartPolicy, "delayMs">;
  /** Aborts when nothing is to be started any more. */
  readonly stop: AbortSignal;
  readonly logger: Required<Logger>;
}

/**
 * Replaces a server that was lost without waiting for a call, and tries again until it is there. A load
 * balancer that sends no calls to a host without a server would otherwise never see it again.
 */
export class EagerRestart {
  readonly #options: EagerRestartOptions;
  #isLost = false;
  #isRunning = false;

  constructor(options: EagerRestartOptions) {
    this.#options = options;
  }

  /** The server is gone, or could not be started. A call may start it meanwhile, and is joined then. */
  begin(): void {
    this.#isLost = true;
    if (!this.#isRunning) void this.#untilStarted();
  }

  /** Never rejects. */
  async #untilStarted(): Promise<void> {
    const { start, policy, stop, logger } = this.#options;
    this.#isRunning = true;
    let failures = 0;
    // One that has been started may be lost again before anybody is told that it is there.
    while (this.#isLost && !stop.aborted) {
      this.#isLost = false;
      const problem = await start().then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (!problem) continue;
      this.#isLost = true;
      if (isAborted(stop)) break;
      failures += 1;
      const { error } = problem;
      const isOverLimit = error instanceof RestartLimitError;
      const delayMs = isOverLimit ? error.retryAfterMs : policy.delayMs(failures);
      const pauseMs = Math.max(minPauseMs, delayMs);
      const code = isAppServerError(error) ? ` (${error.code})` : "";
      logger.warn(`No app-server could be started${code}; trying again after ${pauseMs} ms.`);
      await pause(pauseMs, stop).catch(() => undefined);
    }
    this.#isRunning = false;
  }
}

/** For one that may have aborted while something was awaited. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Without any pause, a program that is missing would be looked for without end. */
const minPauseMs = 50;
