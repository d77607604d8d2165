import type { CodexErrorInfo } from "../../generated/types.js";

/**
 * The server's own name for what went wrong; `"other"` when it gave none. Newer servers may send
 * names that are not listed here.
 */
export type TurnFailureReason =
  | "activeTurnNotSteerable"
  | "badRequest"
  | "bioPolicy"
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
/** The name that a turn's error has. */
export function readReason(info: CodexErrorInfo | null): TurnFailureReason {
  if (typeof info === "string") return info;
  return info === null ? "other" : (Object.keys(info)[0] ?? "other");
}
