import { AppServerError, hide, type ErrorDetails } from "./base.js";

/** Something did not end as it was meant to: `result` is what it had done. */
export abstract class ResultError<Result> extends AppServerError {
  /** What it had done so far. It is not printed with the error. */
  readonly result: Result;

  constructor(message: string, result: Result, options?: ErrorDetails) {
    super(message, options);
    this.result = result;
    hide(this, "result");
  }
}

/** What became of a turn or a goal that took too long. */
export interface StopDetails {
  /** Whether the server has confirmed that it stopped (default true). */
  readonly stopConfirmed?: boolean;
  /** Whether it had been sent to the server (default true). */
  readonly sent?: boolean;
}

/** A turn or a goal did not end within `timeoutMs`. */
export abstract class RunTimeoutError<Result> extends ResultError<Result> {
  readonly timeoutMs: number;
  /** Whether the server has confirmed that it stopped. If not, the client goes on stopping it. */
  readonly stopConfirmed: boolean;

  /** @param subject who did not end, and what was done to it: "The turn" was "interrupted". */
  constructor(
    [what, stopped]: readonly [what: string, stopped: string],
    timeoutMs: number,
    result: Result,
    { stopConfirmed = true, sent = true }: StopDetails = {},
  ) {
    const outcome = stopConfirmed
      ? `and was ${stopped}.`
      : "and the server has not confirmed yet that it stopped. This client goes on stopping it.";
    const advice = sent
      ? `${outcome} See result for what it has done, and raise timeoutMs if it needs longer.`
      : "and was not sent to the server. Start it again if it is still wanted.";
    super(`${what} did not end within ${timeoutMs} ms ${advice}`, result, { sent });
    this.timeoutMs = timeoutMs;
    this.stopConfirmed = stopConfirmed;
  }
}
