import type { CodexErrorInfo } from "../../generated/types.js";
import { AppServerError, hide } from "../errors/base.js";
import { ResultError, RunTimeoutError, type StopDetails } from "../errors/result-error.js";
import { says } from "../errors/server-sentences.js";
import { fieldOf } from "../messages/field-of.js";
import { readReason, type TurnFailureReason } from "../results/turn-failure-reason.js";
import type { TurnResult } from "../results/turn-result.js";
import type { SchemaIssue } from "../schema/json-schema.js";

const waysToLogIn =
  "Nobody is logged in, or the login is not accepted. Log in with `codex login`, with " +
  "`codex.login.apiKey(key)`, or set the environment variable " +
  "that the model provider's env_key names.";

/** The model provider, or the server itself, kept a turn from completing. */
export abstract class RunFailedError<Result> extends ResultError<Result> {
  readonly reason: TurnFailureReason;
  /** The server's structured reason, as sent; `null` when it gave none. */
  readonly codexErrorInfo: CodexErrorInfo | null;
  /**
   * HTTP status of the model provider's answer, when the server told it. Nobody is logged in, or the
   * login is not accepted, when it is 401; `reason` is `"httpConnectionFailed"` then.
   */
  readonly httpStatusCode: number | null;

  constructor(sentence: string, result: Result, { error }: TurnResult, options?: ErrorOptions) {
    const info = error?.codexErrorInfo ?? null;
    const httpStatusCode = readStatus(info);
    const problem = error?.message ?? "the server gave no reason";
    const needsLogin =
      info === "unauthorized" ||
      httpStatusCode === 401 ||
      httpStatusCode === 403 ||
      // Older servers tell the status in their sentence only.
      says(problem, "unexpectedStatus");
    super(`${sentence}: ${problem}${needsLogin ? `\n${waysToLogIn}` : ""}`, result, options);
    this.reason = readReason(info);
    this.codexErrorInfo = info;
    this.httpStatusCode = httpStatusCode;
  }
}

/** The turn ended with `status: "failed"`. The thread stays usable. */
export class TurnFailedError extends RunFailedError<TurnResult> {
  override readonly code = "TURN_FAILED";

  constructor(result: TurnResult) {
    super("The turn failed", result, result);
  }
}

/**
 * The turn did not end within `timeoutMs`. It was interrupted, or, when the server has not confirmed
 * that in time, is being interrupted still. One that still waited for its thread is not sent any more.
 */
export class TurnTimeoutError extends RunTimeoutError<TurnResult> {
  override readonly code = "TURN_TIMEOUT";

  constructor(timeoutMs: number, result: TurnResult, details?: StopDetails) {
    super(["The turn", "interrupted"], timeoutMs, result, details);
  }
}

/**
 * The server has not confirmed in time that something stopped, which may go on. This client goes on
 * stopping it: call `interrupt()` again to go on waiting for that.
 */
export class StopUnconfirmedError extends AppServerError {
  override readonly code = "STOP_UNCONFIRMED";
  /** How long the confirmation was waited for (ms). */
  readonly waitedMs: number;

  constructor(what: "turn" | "goal", waitedMs: number) {
    super(
      `The server has not confirmed within ${waitedMs} ms that the ${what} stopped, so it may go on. ` +
        "This client goes on stopping it: call interrupt() again to go on waiting.",
    );
    this.waitedMs = waitedMs;
  }
}

/** What the server said when it was asked about a turn that had gone silent. */
export type StallProbe = "running" | "unknown";

/**
 * Nothing came of the turn for `idleTimeoutMs`. It was not interrupted: call `run()` or iterate the
 * turn again to go on waiting for it, where the iteration had stopped, or `interrupt()` it.
 */
export class TurnStalledError extends ResultError<TurnResult> {
  override readonly code = "TURN_STALLED";
  readonly idleTimeoutMs: number;
  /**
   * `"running"`: the server says that the turn goes on. `"unknown"`: it did not answer, or has no
   * record of the turn.
   */
  readonly probe: StallProbe;

  constructor(idleTimeoutMs: number, result: TurnResult, probe: StallProbe) {
    const answer =
      probe === "running"
        ? "the server says that it runs"
        : "the server does not say whether it runs";
    super(
      `Nothing came of the turn for ${idleTimeoutMs} ms; ${answer}. It was not interrupted: ` +
        "call run() or iterate it again to go on waiting, or interrupt() it.",
      result,
    );
    this.idleTimeoutMs = idleTimeoutMs;
    this.probe = probe;
  }
}

/**
 * The thread went idle without a `turn/completed`, and the server does not tell how the turn ended: it
 * keeps no record, as of ephemeral threads, or for twenty to thirty seconds contradicted itself or did
 * not answer. The turn is over; what it did may be more than is known here.
 */
export class TurnLostError extends ResultError<TurnResult> {
  override readonly code = "TURN_LOST";

  constructor(result: TurnResult) {
    super(
      "The thread went idle, but turn/completed did not come for this turn, and the server does not tell how it ended. " +
        "Look at result, and at what the turn has done.",
      result,
    );
  }
}

/** The turn was interrupted before it was sent: `turn.started` rejects with it. */
export class TurnNotStartedError extends AppServerError {
  override readonly code = "TURN_NOT_STARTED";

  constructor() {
    const problem =
      "The turn was interrupted before it was sent to the server. Start it again if it is still wanted.";
    super(problem, { sent: false });
  }
}

/**
 * The server has stored no turn of this id, or with this message, on the thread: `thread.attachTurn()` found nothing
 * to attach to. A message that was sent only just now may still be on its way.
 */
export class TurnNotFoundError extends AppServerError {
  override readonly code = "TURN_NOT_FOUND";
  readonly threadId: string;

  constructor(threadId: string, by: "id" | "clientUserMessageId", options?: ErrorOptions) {
    const what =
      by === "id" ? "turn of this id" : "turn with a message of this clientUserMessageId";
    super(
      `The server has stored no ${what} on the thread. Check the thread, and list its turns with thread.turns().`,
      options,
    );
    this.threadId = threadId;
  }
}

/** A turn's events can be iterated once, by one consumer. */
export class TurnStreamError extends AppServerError {
  override readonly code = "TURN_STREAM_UNAVAILABLE";

  constructor(problem: string) {
    super(problem, { sent: false });
  }
}

/** In what way an answer misses its `outputSchema`. */
export type OutputMismatchReason =
  /** The turn completed without an answer. */
  | "noAnswer"
  /** The answer is not JSON. */
  | "notJson"
  /** It is JSON, but does not fit the schema. */
  | "invalid";

/** The turn completed, but its answer does not fit `outputSchema`. The thread stays usable. */
export class OutputMismatchError extends ResultError<TurnResult> {
  override readonly code = "OUTPUT_MISMATCH";
  readonly reason: OutputMismatchReason;
  /** The answer as the model gave it; `null` when there is none. */
  readonly text: string | null;
  /** What does not fit, and where, for the reason `"invalid"`. It may quote the answer. */
  readonly issues: readonly SchemaIssue[];

  constructor(
    reason: OutputMismatchReason,
    result: TurnResult,
    issues: readonly SchemaIssue[] = [],
    options?: ErrorOptions,
  ) {
    super(explain(reason, issues), result, options);
    this.reason = reason;
    this.text = result.finalResponse;
    this.issues = issues;
    hide(this, "text", "issues");
  }
}

function explain(reason: OutputMismatchReason, issues: readonly SchemaIssue[]): string {
  switch (reason) {
    case "noAnswer":
      return "The turn completed without an answer, so there is no output.";
    case "notJson":
      return "The answer is not JSON, so there is no output; see text.";
    default:
      // Where, but not what: the issues' own messages may quote the answer.
      return `The answer does not fit outputSchema in ${issues.length} place(s); see issues and text.`;
  }
}

function readStatus(info: CodexErrorInfo | null): number | null {
  if (typeof info !== "object" || info === null) return null;
  const status = fieldOf(Object.values(info)[0], "httpStatusCode");
  return typeof status === "number" ? status : null;
}
