import { isAppServerError } from "../errors/base.js";
import { readReason } from "../results/turn-failure-reason.js";
import { fieldsOf, textOf } from "./loose-fields.js";
import type { TurnProblem } from "./part-types.js";
import type { PartEndStatus } from "./turn-part.js";

/** How a turn has ended. */
export interface TurnEnding {
  readonly status: PartEndStatus;
  readonly error?: TurnProblem;
}

const again = "Please try again.";
const later = "Please try again later.";

/** Sentences for users, by the reason of a failed turn. */
const reasons: Readonly<Record<string, string>> = {
  badRequest: "The model refused the request.",
  bioPolicy: "The request was stopped by a safety policy.",
  contextWindowExceeded:
    "The conversation is too long for the model. Start a new one, or have it summarised.",
  cyberPolicy: "The request was stopped by a safety policy.",
  flexUnavailable: `The model is busy. ${later}`,
  httpConnectionFailed: `The model could not be reached. ${later}`,
  inferenceHookDenied: "The request was not allowed.",
  internalServerError: `The model had an internal problem. ${later}`,
  misalignmentPolicyViolation: "The request was stopped by a safety policy.",
  modelNotFound: "The model does not exist, or may not be used.",
  policyCapacityUnavailable: `The model is busy. ${later}`,
  rateLimitExceeded: `Too many requests were made. ${later}`,
  responseStreamConnectionFailed: `The model could not be reached. ${later}`,
  responseStreamDisconnected: `The connection to the model broke off. ${again}`,
  responseTooManyFailedAttempts: `The model could not be reached in several attempts. ${later}`,
  sandboxError: "Commands cannot be run safely on the server.",
  serverOverloaded: `The model is busy. ${later}`,
  sessionBudgetExceeded: "The budget of this conversation is used up.",
  tooManyDenials: "The agent gave up, since too much was denied.",
  unauthorized: "The server is not logged in to the model.",
  usageLimitExceeded: `The usage limit is reached. ${later}`,
};

const lost = `The connection to the agent was lost. What it did may be more than is shown. ${again}`;
const unavailable = `The agent is not available at the moment. ${later}`;

type Known = readonly [status: TurnEnding["status"], title: string];

/** How a turn ends, and sentences for users, by the code of the error that ended it. */
const codes: Readonly<Record<string, Known>> = {
  TRANSPORT_CLOSED: ["lost", lost],
  TURN_LOST: ["lost", "It is not known how the turn ended. What it did may be more than is shown."],
  TURN_DETACHED: ["lost", lost],
  TURN_STALLED: [
    "lost",
    "Nothing has been heard of the agent for too long. It may still be at work.",
  ],
  SLOW_CONSUMER: ["lost", "Too much came at once to be shown. The agent goes on."],
  REQUEST_TIMEOUT: ["lost", `The agent did not answer in time. ${later}`],
  TURN_TIMEOUT: ["failed", "The turn took too long, and was stopped."],
  TURN_NOT_FOUND: ["lost", "The turn was not found."],
  TURN_NOT_STARTED: ["interrupted", ""],
  THREAD_NOT_FOUND: ["failed", "The conversation does not exist any more."],
  THREAD_ARCHIVED: ["failed", "The conversation is archived."],
  THREAD_BUSY: ["failed", "The conversation is busy with another turn. Wait for its end."],
  SERVER_DRAINING: ["failed", unavailable],
  SERVER_BUSY: ["failed", unavailable],
  RETRY_LIMIT_EXCEEDED: ["failed", unavailable],
  RESTART_LIMIT: ["failed", unavailable],
  BINARY_NOT_FOUND: ["failed", unavailable],
  SPAWN_FAILED: ["failed", unavailable],
  HANDSHAKE_FAILED: ["failed", unavailable],
  INCOMPATIBLE_SERVER: ["failed", unavailable],
  CONNECT_FAILED: ["failed", unavailable],
  MISSING_DEPENDENCY: ["failed", unavailable],
  MESSAGE_TOO_LARGE: ["failed", "The message is too long."],
  INVALID_ARGUMENT: ["failed", "The request is not valid."],
  INVALID_PARAMS: ["failed", "The request is not valid."],
  INVALID_REQUEST: ["failed", "The agent refused the request."],
};

/** Why a turn failed, by the error that the server told; nothing in it is the server's own words. */
export function problemOfTurn(error: unknown): TurnProblem {
  const { codexErrorInfo = null } = fieldsOf(error);
  const code = textOf(readReason(codexErrorInfo as Parameters<typeof readReason>[0])) ?? "other";
  return { code, title: titleIn(reasons, code) ?? `Something went wrong. ${again}` };
}

/** How a turn has ended whose iteration has thrown this error. */
export function endingOf(error: unknown): TurnEnding {
  // What is no error of ours is the reason of the signal that has stopped the turn.
  if (!isAppServerError(error)) return { status: "interrupted" };
  const { code } = error;
  const [status, title] = titleIn(codes, code) ?? (["failed", unavailable] as const);
  return status === "interrupted" ? { status } : { status, error: { code, title } };
}

function titleIn<Title>(titles: Readonly<Record<string, Title>>, name: string): Title | undefined {
  return Object.hasOwn(titles, name) ? titles[name] : undefined;
}
