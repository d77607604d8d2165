import { isAppServerError, type TurnResult } from "../../index.js";

/** What tells that the server, or the way to it, is gone, and that it may know more when it is back. */
const lossCodes: ReadonlySet<string> = new Set([
  "TRANSPORT_CLOSED",
  "CONNECT_FAILED",
  "HANDSHAKE_FAILED",
  "REQUEST_TIMEOUT",
  "RESTART_LIMIT",
  "SPAWN_FAILED",
  "TURN_LOST",
]);

/** Answers of the server to `turn/start` that say that it has begun nothing. */
const refusalCodes: ReadonlySet<string> = new Set([
  "INVALID_REQUEST",
  "EXPERIMENTAL_API",
  "SERVER_DRAINING",
  "SETTING_NOT_ALLOWED",
  "THREAD_ARCHIVED",
  "THREAD_NOT_FOUND",
  "INVALID_PARAMS",
  "METHOD_NOT_FOUND",
  "PARSE_ERROR",
  "SERVER_BUSY",
  "RETRY_LIMIT_EXCEEDED",
  "THREAD_BUSY",
]);

export function codeOf(error: unknown): string | undefined {
  return isAppServerError(error) ? error.code : undefined;
}

export function isServerLoss(error: unknown): boolean {
  return lossCodes.has(codeOf(error) ?? "");
}

/** Whether an error of a turn that the server has not accepted proves that it never began. */
export function neverBegan(error: unknown): boolean {
  if (!isAppServerError(error)) return false;
  return !error.sent || refusalCodes.has(error.code);
}

/** Whether a turn was cut off by the end of its server: one that somebody has stopped says when that was. */
export function isCutOff({ status, completedAt }: TurnResult): boolean {
  return status === "interrupted" && completedAt === null;
}
