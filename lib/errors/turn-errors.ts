import type { CodexErrorInfo } from "../../generated/types.js";
import type { TurnResult } from "../turns/turn-result.js";
import { AppServerError } from "./base.js";

/**
 * The server's own name for what went wrong; `"other"` when it gave none. Newer servers may send
 * names that are not listed here.
 */
export type TurnFailureReason =
  | "activeTurnNotSteerable"
  | "badRequest"
  | "contextWindowExceeded"
  | "cyberPolicy"
  | "flexUnavailable"
  | "httpConnectionFailed"
  | "inferenceHookDenied"
  | "internalServerError"
  | "misalignmentPolicyViolation"
  | "modelNotFound"
  | "other"
  | "policyCapacityUnavailable"
  | "rateLimitExceeded"
  | "responseStreamConnectionFailed"
  | "responseStreamDisconnected"
  | "responseTooManyFailedAttempts"
  | "sandboxError"
  | "serverOverloaded"
  | "sessionBudgetExceeded"
  | "threadRollbackFailed"
  | "tooManyDenials"
  | "unauthorized"
  | "usageLimitExceeded"
  // Keeps the list open without losing the completion of the names above.
  | (string & Record<never, never>);

const waysToLogIn =
  "Nobody is logged in, or the login is not accepted. Log in with `codex login`, with " +
  "`codex.login.apiKey(key)`, or set the environment variable " +
  "that the model provider's env_key names.";

/** The turn ended with `status: "failed"`. The thread stays usable. */
export class TurnFailedError extends AppServerError {
  /** Everything the turn did before it failed. */
  readonly result: TurnResult;
  readonly reason: TurnFailureReason;
  /** The server's structured reason, as sent; `null` when it gave none. */
  readonly codexErrorInfo: CodexErrorInfo | null;
  /** HTTP status of the model provider's answer, when the server told it. */
  readonly httpStatusCode: number | null;

  constructor(result: TurnResult) {
    const info = result.error?.codexErrorInfo ?? null;
    const httpStatusCode = readStatus(info);
    const needsLogin = info === "unauthorized" || httpStatusCode === 401 || httpStatusCode === 403;
    const problem = result.error?.message ?? "the server gave no reason";
    super("TURN_FAILED", `The turn failed: ${problem}${needsLogin ? `\n${waysToLogIn}` : ""}`);
    this.result = result;
    this.reason = readReason(info);
    this.codexErrorInfo = info;
    this.httpStatusCode = httpStatusCode;
  }
}

/** The turn did not end within `timeoutMs`. It was interrupted. */
export class TurnTimeoutError extends AppServerError {
  readonly timeoutMs: number;
  /** What the turn had done so far. */
  readonly result: TurnResult;

  constructor(timeoutMs: number, result: TurnResult) {
    super("TURN_TIMEOUT", `The turn did not end within ${timeoutMs} ms and was interrupted.`);
    this.timeoutMs = timeoutMs;
    this.result = result;
  }
}

/** What `turn.started` rejects with when the turn was interrupted before it was sent. */
export class TurnNotStartedError extends AppServerError {
  constructor() {
    super("TURN_NOT_STARTED", "The turn was interrupted before it was sent to the server.");
  }
}

/**
 * The thread was unsubscribed (`thread/unsubscribe`) while the turn ran. The turn goes on in the
 * server, but this client hears nothing more of it.
 */
export class TurnDetachedError extends AppServerError {
  constructor() {
    super(
      "TURN_DETACHED",
      "The thread was unsubscribed while the turn ran. It may still run: resume the thread, and read its turns.",
    );
  }
}

/** A turn's events can be iterated once, by one consumer. */
export class TurnStreamError extends AppServerError {
  constructor(problem: string) {
    super("TURN_STREAM_UNAVAILABLE", problem);
  }
}

function readReason(info: CodexErrorInfo | null): TurnFailureReason {
  if (typeof info === "string") return info;
  return info === null ? "other" : (Object.keys(info)[0] ?? "other");
}

function readStatus(info: CodexErrorInfo | null): number | null {
  if (typeof info !== "object" || info === null) return null;
  const details: unknown = Object.values(info)[0];
  if (typeof details !== "object" || details === null) return null;
  const { httpStatusCode } = details as { httpStatusCode?: unknown };
  return typeof httpStatusCode === "number" ? httpStatusCode : null;
}
