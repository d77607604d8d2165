import { AppServerError, hide } from "../errors/base.js";
import type { TurnResult } from "../results/turn-result.js";

/**
 * Nobody can know whether the turn of a job ran: whoever was about to send it ended before the server had answered,
 * and the server has stored nothing of it. It is never sent again.
 */
export class TurnUnknownError extends AppServerError {
  override readonly code = "TURN_UNKNOWN";
  readonly jobId: string;

  constructor(jobId: string) {
    super(
      "Nobody can know whether this turn ran: its worker ended while it sent the turn, and the server has stored nothing of it. " +
        "It is not sent again. Look at the thread, and add the turn anew if it is still wanted.",
    );
    this.jobId = jobId;
  }
}

/** How the turn of a job failed, as it came over from the worker. */
export interface TurnJobFailure {
  readonly jobId: string;
  /** The code of the worker's error, such as `"TURN_FAILED"`, or the name of an error of another kind. */
  readonly failureCode: string;
  /** The words of the worker's error. */
  readonly words: string;
  /** What the turn did, as far as that is known. */
  readonly result?: TurnResult | undefined;
  /** Whether the turn may have been sent to the server (default true). */
  readonly sent?: boolean | undefined;
}

/** The turn of a job failed, or its worker could not run it. `failureCode` says why. */
export class TurnJobFailedError extends AppServerError {
  override readonly code = "TURN_JOB_FAILED";
  readonly jobId: string;
  /** The code of the worker's error, such as `"TURN_FAILED"`, or the name of an error of another kind. */
  readonly failureCode: string;
  /** What the turn did; undefined when it never began, or nothing is known of it. */
  readonly result: TurnResult | undefined;

  constructor({ jobId, failureCode, words, result, sent }: TurnJobFailure) {
    super(words === "" ? `The job failed (${failureCode}).` : words, { sent });
    this.jobId = jobId;
    this.failureCode = failureCode;
    this.result = result;
    hide(this, "result");
  }
}

/** No such job is known: it never was, it was removed, or it ended too long ago. */
export class TurnJobNotFoundError extends AppServerError {
  override readonly code = "TURN_JOB_NOT_FOUND";
  override readonly sent = false;
  readonly jobId: string;

  constructor(jobId: string) {
    super("There is no such job: it never was, it was removed, or it ended too long ago.");
    this.jobId = jobId;
  }
}

/** A job was added under an `idempotencyKey` that another job has, whose content is another. Nothing was added. */
export class TurnJobConflictError extends AppServerError {
  override readonly code = "TURN_JOB_CONFLICT";
  override readonly sent = false;
  /** The job that has the key. */
  readonly jobId: string;

  constructor(jobId: string) {
    super(
      "Another job was added under this idempotencyKey, with another thread, input or options. " +
        "Give each turn a key of its own.",
    );
    this.jobId = jobId;
  }
}

/** The job did not end within `timeoutMs`. It goes on; ask again. */
export class TurnJobPendingError extends AppServerError {
  override readonly code = "TURN_JOB_PENDING";
  readonly jobId: string;
  readonly timeoutMs: number;

  constructor(jobId: string, timeoutMs: number) {
    super(`The job has not ended within ${timeoutMs} ms. It goes on: ask again.`);
    this.jobId = jobId;
    this.timeoutMs = timeoutMs;
  }
}

/** The worker of a job did not carry out what was asked of its turn. `refusalCode` says why. */
export class TurnCommandRefusedError extends AppServerError {
  override readonly code = "TURN_COMMAND_REFUSED";
  readonly jobId: string;
  /** The code of the worker's error, such as `"REQUEST_NOT_PENDING"` or `"TURN_NOT_ACTIVE"`. */
  readonly refusalCode: string;

  constructor(jobId: string, refusalCode: string, words: string) {
    super(words === "" ? `The turn's worker refused this (${refusalCode}).` : words);
    this.jobId = jobId;
    this.refusalCode = refusalCode;
  }
}
