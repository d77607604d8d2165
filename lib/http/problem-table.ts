import type { AppServerErrorCode } from "../index.js";

/** How an error is told to a user over HTTP. */
export interface ProblemKind {
  readonly status: number;
  /** For the eyes of a user. */
  readonly title: string;
  /** When another attempt may succeed, if no one can say so more precisely (seconds). */
  readonly retryAfter?: number;
}

/** A user's request cannot work, whoever repeats it. */
const badInput: ProblemKind = { status: 400, title: "The request is not valid." };
/** The application is wrong, or its configuration: only its operator can mend that. */
const broken: ProblemKind = { status: 500, title: "Something went wrong on our side." };
/** The app-server, or something behind it, has answered with nonsense, or in no known words. */
const badUpstream: ProblemKind = {
  status: 502,
  title: "The assistant did not answer as it should.",
};
/** It will pass by itself. */
const unavailable: ProblemKind = {
  status: 503,
  title: "The assistant is not available at the moment. Please try again.",
  retryAfter: 5,
};
const busy: ProblemKind = {
  status: 503,
  title: "There are too many requests at the moment. Please try again.",
  retryAfter: 2,
};
const tooSlow: ProblemKind = { status: 504, title: "The assistant took too long to answer." };
const notAllowed: ProblemKind = { status: 403, title: "This is not allowed here." };
const notRunning: ProblemKind = { status: 409, title: "This has already ended." };
export const cutOff: ProblemKind = {
  status: 502,
  title: "The answer was cut off. It may be found in the conversation later.",
};

/**
 * What is told of each error, by its code. The type has a place for every code, so one without a decision does not
 * compile. 503 stands only where it heals by itself.
 */
export const problemsByCode: Readonly<Record<AppServerErrorCode, ProblemKind>> = {
  BINARY_NOT_FOUND: broken,
  CODEX_DRAINING: { ...unavailable, retryAfter: 1 },
  COMMAND_ENDED: notRunning,
  COMMAND_FAILED: { status: 422, title: "The command failed." },
  COMMAND_NOT_STARTED: { status: 422, title: "The command could not be started." },
  CONFIG_WRITE_REFUSED: { status: 409, title: "The settings could not be saved." },
  CONNECT_FAILED: unavailable,
  EXPERIMENTAL_API: broken,
  EXTERNAL_CLOCK_UNAVAILABLE: broken,
  FEATURE_NOT_CHANGED: broken,
  FILE_NOT_FOUND: { status: 404, title: "The file was not found." },
  FILE_SYSTEM_ERROR: broken,
  GOALS_UNAVAILABLE: { status: 409, title: "This conversation cannot have a goal." },
  GOAL_DETACHED: cutOff,
  GOAL_FAILED: badUpstream,
  GOAL_NOT_ACTIVE: notRunning,
  GOAL_NOT_STARTED: { status: 409, title: "The goal was stopped before it began." },
  GOAL_STALLED: tooSlow,
  GOAL_TIMEOUT: tooSlow,
  HANDLE_CLOSED: notRunning,
  HANDSHAKE_FAILED: unavailable,
  INCOMPATIBLE_SERVER: broken,
  INTERNAL_ERROR: badUpstream,
  INVALID_ARGUMENT: badInput,
  INVALID_PARAMS: badInput,
  INVALID_REQUEST: badUpstream,
  LOGIN_FAILED: { status: 401, title: "The login did not succeed. Please try again." },
  LOGIN_TIMEOUT: { status: 504, title: "The login took too long." },
  MCP_SERVER_ERROR: { status: 502, title: "A tool did not answer as it should." },
  MESSAGE_TOO_LARGE: { status: 413, title: "This is too large." },
  METHOD_NOT_FOUND: { status: 501, title: "This is not offered here." },
  MISSING_DEPENDENCY: broken,
  MODEL_CLOSED: broken,
  NO_NEXT_PAGE: badInput,
  OUTPUT_MISMATCH: { status: 502, title: "The answer does not have the form that was asked for." },
  OUTPUT_OVERFLOW: broken,
  OUTPUT_STREAM_UNAVAILABLE: broken,
  PARSE_ERROR: broken,
  POOL_FULL: busy,
  PROTOCOL_ERROR: badUpstream,
  REQUEST_NOT_PENDING: { status: 409, title: "This question is no longer open." },
  REQUEST_TIMEOUT: tooSlow,
  RESTART_LIMIT: unavailable,
  RETRY_LIMIT_EXCEEDED: busy,
  RPC_ERROR: badUpstream,
  SANDBOX_WIDENED: notAllowed,
  SERVER_BUSY: busy,
  SERVER_DRAINING: unavailable,
  SERVER_REQUEST_OVER: notRunning,
  SETTINGS_LOOSENED: notAllowed,
  SETTING_NOT_ALLOWED: notAllowed,
  SLOW_CONSUMER: broken,
  SPAWN_FAILED: broken,
  STOP_UNCONFIRMED: { status: 504, title: "It is being stopped, which takes longer than usual." },
  TENANT_OPTIONS: broken,
  THREAD_ARCHIVED: { status: 409, title: "The conversation is archived." },
  THREAD_BUSY: {
    status: 409,
    title: "The conversation is busy with another message. Please wait for its answer.",
  },
  THREAD_NOT_FOUND: { status: 404, title: "The conversation was not found." },
  TOOL_INPUT: badUpstream,
  TRANSPORT_CLOSED: unavailable,
  TURN_DETACHED: cutOff,
  TURN_FAILED: badUpstream,
  TURN_LOST: cutOff,
  TURN_NOT_ACTIVE: notRunning,
  TURN_NOT_FOUND: { status: 404, title: "The message was not found." },
  TURN_NOT_STARTED: { status: 409, title: "The message was withdrawn before it was sent." },
  TURN_STALLED: tooSlow,
  TURN_STREAM_UNAVAILABLE: broken,
  TURN_TIMEOUT: tooSlow,
};

/** The account of the operator is not logged in, or its login is not accepted: no user can mend that. */
export const loginNeeded: ProblemKind = {
  status: 500,
  title: "The assistant is not set up. Please tell whoever runs this service.",
};

const refusedContent: ProblemKind = {
  status: 422,
  title: "The assistant may not work on this request.",
};

/** Why turns, and the last turns of goals, fail. A reason that is not here is told as the code is. */
export const problemsByReason: Readonly<Record<string, ProblemKind>> = {
  activeTurnNotSteerable: problemsByCode.THREAD_BUSY,
  badRequest: { status: 422, title: "The model could not use this request." },
  bioPolicy: refusedContent,
  contextWindowExceeded: {
    status: 422,
    title: "The conversation has become too long. Please begin another one.",
  },
  cyberPolicy: refusedContent,
  flexUnavailable: busy,
  httpConnectionFailed: unavailable,
  inferenceHookDenied: notAllowed,
  internalServerError: badUpstream,
  misalignmentPolicyViolation: refusedContent,
  modelNotFound: broken,
  other: badUpstream,
  policyCapacityUnavailable: busy,
  rateLimitExceeded: {
    status: 429,
    title: "There are too many requests at the moment. Please try again.",
    retryAfter: 30,
  },
  responseStreamConnectionFailed: unavailable,
  responseStreamDisconnected: unavailable,
  responseTooManyFailedAttempts: unavailable,
  sandboxError: broken,
  serverOverloaded: busy,
  sessionBudgetExceeded: { status: 429, title: "The budget of this conversation is used up." },
  threadRollbackFailed: badUpstream,
  tooManyDenials: { status: 422, title: "Too many of the assistant's steps were refused." },
  unauthorized: loginNeeded,
  usageLimitExceeded: { status: 429, title: "The usage limit is reached. Please try again later." },
};

/** An error that is none of this library. */
export const unknownProblem = broken;

/** A time limit of the application's own, such as `AbortSignal.timeout()`. */
export const timeLimit = tooSlow;
