import type { CodexErrorInfo } from "../../generated/types.js";
import { AppServerError, hide } from "../errors/base.js";
import { says } from "../errors/server-sentences.js";
import { fieldOf } from "../messages/field-of.js";
import { readReason, type TurnFailureReason } from "../results/turn-failure-reason.js";
import type { TurnResult } from "../results/turn-result.js";
import type { SchemaIssue } from "../schema/json-schema.js";

const waysToLogIn =
  "Nobody is logged in, or the login is not accepted. Log in with `codex login`, with " +
  "`codex.login.apiKey(key)`, or set the environment variable " +
  "that the model provider's env_key names.";

/** The turn ended with `status: "failed"`. The thread stays usable. */
export class TurnFailedError extends AppServerError {
  override readonly code = "TURN_FAILED";
  /** Everything the turn did before it failed. */
  readonly result: TurnResult;
  readonly reason: TurnFailureReason;
  /** The server's structured reason, as sent; `null` when it gave none. */
  readonly codexErrorInfo: CodexErrorInfo | null;
  /**
   * HTTP status of the model provider's answer, when the server told it. Nobody is logged in, or the
   * login is not accepted, when it is 401; `reason` is `"httpConnectionFailed"` then.
   */
  readonly httpStatusCode: number | null;

  constructor(result: TurnResult) {
    const info = result.error?.codexErrorInfo ?? null;
    const httpStatusCode = readStatus(info);
    const problem = result.error?.message ?? "the server gave no reason";
    const needsLogin =
      info === "unauthorized" ||
      httpStatusCode === 401 ||
      httpStatusCode === 403 ||
      // Older servers tell the status in their sentence only.
      says(problem, "unexpectedStatus");
    super(`The turn failed: ${problem}${needsLogin ? `\n${waysToLogIn}` : ""}`);
    this.result = result;
    hide(this, "result");
    this.reason = readReason(info);
    this.codexErrorInfo = info;
    this.httpStatusCode = httpStatusCode;
  }
}

/** What became of a turn or a goal that took too long. */
export interface StopDetails {
  /** Whether the server has confirmed that it stopped (default true). */
  readonly stopConfirmed?: boolean;
  /** Whether it had been sent to the server (default true). */
  readonly sent?: boolean;
}

/** What became of something that took too long: the rest of a sentence. */
export function timeoutOutcome(
  stopped: string,
  { stopConfirmed, sent }: Required<StopDetails>,
): string {
  if (!sent) return "and was not sent to the server. Start it again if it is still wanted.";
  const outcome = stopConfirmed
    ? `and was ${stopped}.`
    : "and the server has not confirmed yet that it stopped. This client goes on stopping it.";
  return `${outcome} See result for what it has done, and raise timeoutMs if it needs longer.`;
}

/**
 * The turn did not end within `timeoutMs`. It was interrupted, or, when the server has not confirmed
 * that in time, is being interrupted still. One that still waited for its thread is not sent any more.
 */
export class TurnTimeoutError extends AppServerError {
  override readonly code = "TURN_TIMEOUT";
  readonly timeoutMs: number;
  /** What the turn had done so far. */
  readonly result: TurnResult;
  /** Whether the server has confirmed that the turn stopped. If not, the client goes on stopping it. */
  readonly stopConfirmed: boolean;

  constructor(
    timeoutMs: number,
    result: TurnResult,
    { stopConfirmed = true, sent = true }: StopDetails = {},
  ) {
    const outcome = timeoutOutcome("interrupted", { stopConfirmed, sent });
    super(`The turn did not end within ${timeoutMs} ms ${outcome}`, { sent });
    this.timeoutMs = timeoutMs;
    this.result = result;
    this.stopConfirmed = stopConfirmed;
    hide(this, "result");
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
export class TurnStalledError extends AppServerError {
  override readonly code = "TURN_STALLED";
  readonly idleTimeoutMs: number;
  /** What the turn had done so far. */
  readonly result: TurnResult;
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
    );
    this.idleTimeoutMs = idleTimeoutMs;
    this.result = result;
    this.probe = probe;
    hide(this, "result");
  }
}

/**
 * The thread went idle without a `turn/completed`, and the server does not tell how the turn ended: it
 * keeps no record, as of ephemeral threads, or for twenty to thirty seconds contradicted itself or did
 * not answer. The turn is over; what it did may be more than is known here.
 */
export class TurnLostError extends AppServerError {
  override readonly code = "TURN_LOST";
  /** The known part of the turn. */
  readonly result: TurnResult;

  constructor(result: TurnResult) {
    super(
      "The thread went idle, but turn/completed did not come for this turn, and the server does not tell how it ended. " +
        "Look at result, and at what the turn has done.",
    );
    this.result = result;
    hide(this, "result");
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
export class OutputMismatchError extends AppServerError {
  override readonly code = "OUTPUT_MISMATCH";
  readonly reason: OutputMismatchReason;
  /** The answer as the model gave it; `null` when there is none. */
  readonly text: string | null;
  /** What does not fit, and where, for the reason `"invalid"`. It may quote the answer. */
  readonly issues: readonly SchemaIssue[];
  /** The rest of what the turn did. */
  readonly result: TurnResult;

  constructor(
    reason: OutputMismatchReason,
    result: TurnResult,
    issues: readonly SchemaIssue[] = [],
    options?: ErrorOptions,
  ) {
    super(explain(reason, issues), options);
    this.reason = reason;
    this.text = result.finalResponse;
    this.issues = issues;
    this.result = result;
    hide(this, "text", "issues", "result");
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
