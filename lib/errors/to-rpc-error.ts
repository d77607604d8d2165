import type { AppServerError } from "./base.js";
import { ConfigWriteError } from "./config-errors.js";
import { ProtocolError } from "./connection-errors.js";
import { toMachineError } from "./machine-errors.js";
import {
  ExperimentalApiError,
  ExternalClockError,
  GoalsUnavailableError,
  InternalRpcError,
  InvalidParamsError,
  InvalidRequestError,
  JsonRpcError,
  McpServerError,
  MethodNotFoundError,
  ParseError,
  type RpcFailure,
  ServerBusyError,
  ServerDrainingError,
  SettingNotAllowedError,
  ThreadArchivedError,
  ThreadBusyError,
  ThreadNotFoundError,
  TurnNotActiveError,
} from "./rpc-errors.js";
import { sentenceParts, says } from "./server-sentences.js";
import { withoutValues } from "./without-values.js";

const neverRan =
  "A thread has no stored history before its first turn; if it has run one, check the id. Nothing is " +
  "stored of an ephemeral thread.";

const untilSteerable = "Wait until the review or compaction has ended.";

/**
 * The one place that turns an error answer into a class. The server reports nearly everything as
 * `-32600` with a sentence, so the sentence counts as much as the code.
 */
export function toRpcError(method: string, error: unknown): AppServerError {
  const { code, message, data } = readFields(error);
  if (typeof code !== "number") {
    const problem =
      typeof message === "string" ? message : "the error has neither code nor message";
    return new ProtocolError(`${method} got a malformed answer: ${withoutValues(problem)}`);
  }
  const raw = {
    method,
    rpcCode: code,
    message: typeof message === "string" ? message : "no message",
    data,
  };
  if (raw.rpcCode === -32_600 && isUnknown(method, raw.message)) {
    // The server goes on with the names of all its methods.
    const short = { ...raw, message: "the server does not know this method." };
    const advice =
      "Its release may be too old or too new for this call: compare serverInfo.version with RUNTIME_VERSION.";
    return new MethodNotFoundError(short, advice);
  }
  const failure = { ...raw, message: withoutValues(raw.message) };
  if (cameFromMcpServer(failure)) return new McpServerError(failure);
  const ofMachine = toMachineError(failure);
  if (ofMachine) return ofMachine;
  switch (failure.rpcCode) {
    case -32_700:
      return new ParseError(failure);
    case -32_001:
      return new ServerBusyError(failure);
    case -32_600:
      return fromSentence(failure);
    case -32_601:
      return new MethodNotFoundError(failure, adviceForLists(failure.message));
    case -32_602:
      return says(failure.message, "threadNotFound")
        ? new ThreadNotFoundError(failure, neverRan)
        : new InvalidParamsError(failure);
    case -32_603:
      return fromInternalError(failure);
    default:
      return new JsonRpcError(failure);
  }
}

function fromInternalError(failure: RpcFailure): JsonRpcError {
  if (says(failure.message, "activeTurnNotSteerable")) {
    return new ThreadBusyError(failure, untilSteerable);
  }
  if (says(failure.message, "outputSchemaMismatch")) {
    const advice = "The running turn has another outputSchema: wait until it has ended.";
    return new ThreadBusyError(failure, advice);
  }
  if (says(failure.message, "noExternalClock")) {
    const advice =
      'This server asks no client for the time: set clock_source to "system", or use codex 0.169.0 or older.';
    return new ExternalClockError(failure, advice);
  }
  return new InternalRpcError(failure);
}

function fromSentence(failure: RpcFailure): JsonRpcError {
  const { message } = failure;
  const { config_write_error_code: writeRefusal, reason } = readFields(failure.data);
  if (typeof writeRefusal === "string") return new ConfigWriteError(failure, writeRefusal);
  if (reason === "serverShuttingDown" || says(message, "draining")) {
    return new ServerDrainingError(failure);
  }
  if (says(message, "needsExperimentalApi")) {
    return new ExperimentalApiError(failure, "Start the client with experimentalApi: true.");
  }
  if (says(message, "settingForbidden")) return new SettingNotAllowedError(failure);
  if (says(message, "noRollout", "notMaterialized")) {
    return new ThreadNotFoundError(failure, adviceForUnstored(failure.method));
  }
  if (says(message, "noArchivedRollout")) {
    return new ThreadNotFoundError(failure, "Check the id, and whether the thread is archived.");
  }
  const archived = sentenceParts(message, "sessionArchived");
  if (archived) return new ThreadArchivedError(failure, archived[0]);
  if (says(message, "threadNotFound", "threadNotLoaded")) {
    return new ThreadNotFoundError(failure, adviceForUnloaded(failure.method));
  }
  if (says(message, "activeWriter")) {
    return new ThreadBusyError(failure, adviceForWriter(failure.method));
  }
  if (says(message, "goalsDisabled")) {
    const advice = "Start the server with config: { features: { goals: true } }.";
    return new GoalsUnavailableError(failure, advice);
  }
  if (says(message, "goalsUnsupported")) {
    const advice = "Start the thread without `ephemeral: true`.";
    return new GoalsUnavailableError(failure, advice);
  }
  if (says(message, "activeOrPendingTurn")) return new ThreadBusyError(failure);
  if (says(message, "threadClosing"))
    return new ThreadBusyError(failure, "The thread is being unloaded: try again in a moment.");
  if (says(message, "cannotSteer")) return new ThreadBusyError(failure, untilSteerable);
  if (says(message, "noActiveTurn", "otherActiveTurn")) return new TurnNotActiveError(failure);
  if (says(message, "invalidRequest", "invalidThreadId", "invalidSessionId", "mustNotBeEmpty")) {
    return new InvalidParamsError(failure);
  }
  return new InvalidRequestError(failure);
}

/**
 * Two methods pass on what an MCP server answered, its code included. To take its `-32001` for an
 * overload of ours would run the tool again. What the app-server itself refuses has one of the others.
 */
function cameFromMcpServer({ method, rpcCode, message }: RpcFailure): boolean {
  if (method !== "mcpServer/tool/call" && method !== "mcpServer/resource/read") return false;
  if (rpcCode === -32_001) return !says(message, "overloaded");
  return rpcCode !== -32_600 && rpcCode !== -32_603;
}

/** For lists that the server has, but not of this thread. */
function adviceForLists(message: string): string | undefined {
  if (says(message, "noTurnsStored")) return neverRan;
  if (!says(message, "noItemsStored")) return undefined;
  return (
    "A thread has no stored items before its first turn; nor has an ephemeral one, one that an old " +
    "runtime stored, or one that does not exist."
  );
}

/** Some methods do not look into the archive. */
function adviceForUnstored(method: string): string {
  if (method !== "thread/archive" && method !== "thread/name/set") return neverRan;
  return (
    "It may be archived already. If not, check the id: a thread is stored from its first turn on, " +
    "unless it is ephemeral."
  );
}

/** These two read what is stored, too; others need a thread that is loaded. */
function adviceForUnloaded(method: string): string {
  if (method === "thread/read" || method === "thread/turns/list") return "Check the id.";
  return "Check the id. Resume a thread that is not loaded, and unarchive one that is archived.";
}

function adviceForWriter(method: string): string {
  if (method === "thread/unarchive") {
    return "A thread that is open, here or elsewhere, is not archived: there is nothing to take back.";
  }
  const there = "Another process has this thread open: ";
  return method === "thread/archive" || method === "thread/delete"
    ? `${there}do it there, or end that app-server first.`
    : `${there}end that app-server, or fork the thread.`;
}

/**
 * Whether the server refused to list the turns of a thread because there are none yet. Once somebody has
 * tried to read the thread with its turns, it says so in other words.
 */
export function isBeforeFirstTurn(error: unknown): boolean {
  if (error instanceof ThreadNotFoundError) return says(error.serverMessage, "notMaterialized");
  return (
    error instanceof MethodNotFoundError &&
    error.method === "thread/turns/list" &&
    says(error.serverMessage, "noTurnsStored")
  );
}

/** The server quotes the method that it does not know; what it quotes may also be a part of the params. */
function isUnknown(method: string, message: string): boolean {
  return sentenceParts(message, "unknownMethod")?.[0] === method;
}

function readFields(value: unknown): Partial<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value : {};
}
