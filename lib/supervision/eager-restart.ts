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
  #isRunning = false;

  constructor(options: EagerRestartOptions) {
    this.#options = options;
  }

  /** The server is gone, or could not be started. A call may start it meanwhile, and is joined then. */
  begin(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#untilStarted().finally(() => {
      this.#isRunning = false;
    });
  }

  /** Never rejects. */
  async #untilStarted(): Promise<void> {
    const { start, policy, stop, logger } = this.#options;
    for (let attempt = 1; !stop.aborted; attempt += 1) {
      const problem = await start().then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      if (!problem || isAborted(stop)) return;
      const { error } = problem;
      const isOverLimit = error instanceof RestartLimitError;
      const delayMs = isOverLimit ? error.retryAfterMs : policy.delayMs(attempt);
      const code = isAppServerError(error) ? ` (${error.code})` : "";
      logger.warn(`No app-server could be started${code}; trying again after ${delayMs} ms.`);
      await pause(delayMs, stop).catch(() => undefined);
    }
  }
}

/** For one that may have aborted while something was awaited. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
