import type { AppServerError } from "./base.js";
import { ProtocolError } from "./connection-errors.js";
import {
  ExperimentalApiError,
  InternalRpcError,
  InvalidParamsError,
  InvalidRequestError,
  JsonRpcError,
  MethodNotFoundError,
  ParseError,
  ServerBusyError,
  ThreadBusyError,
  ThreadNotFoundError,
  TurnNotActiveError,
  type RpcFailure,
} from "./rpc-errors.js";

/** Local code for an answer with neither a result nor a proper error. Never on the wire. */
export const malformedResponseCode = -32_050;

const neverRan =
  "A thread has no stored history before its first turn; if it has run one, check the id.";

/**
 * The one place that turns an error answer into a class. The server reports nearly everything as
 * `-32600` with a sentence, so the sentence counts as much as the code.
 */
export function toRpcError(method: string, error: unknown): AppServerError {
  const failure = readFailure(method, error);
  switch (failure.rpcCode) {
    case malformedResponseCode:
      return new ProtocolError(`${method} got a malformed answer: ${failure.message}`);
    case -32_700:
      return new ParseError(failure);
    case -32_001:
      return new ServerBusyError(failure);
    case -32_600:
      return fromSentence(failure);
    case -32_601:
      return new MethodNotFoundError(
        failure,
        failure.message.includes("list_turns") ? neverRan : undefined,
      );
    case -32_602:
      return new InvalidParamsError(failure);
    case -32_603:
      return failure.message.includes("ActiveTurnNotSteerable")
        ? new ThreadBusyError(failure, "Wait until the review or compaction has ended.")
        : new InternalRpcError(failure);
    default:
      return new JsonRpcError(failure);
  }
}

function fromSentence(failure: RpcFailure): JsonRpcError {
  const { message } = failure;
  const says = (...parts: string[]): boolean => parts.some((part) => message.includes(part));

  if (says("requires experimentalApi capability")) return new ExperimentalApiError(failure);
  if (message.startsWith(unknownMethod(failure.method))) {
    // The server goes on with the names of all its methods.
    const short = { ...failure, message: "the server does not know this method." };
    return new MethodNotFoundError(short, "Compare the runtime's version with the pinned one.");
  }
  if (says("no rollout found", "not materialized yet")) {
    return new ThreadNotFoundError(failure, neverRan);
  }
  if (says("thread not found", "thread not loaded")) return new ThreadNotFoundError(failure);
  if (says("already has an active writer")) {
    return new ThreadBusyError(
      failure,
      "Another process has this thread open: close it there, or fork.",
    );
  }
  if (says("cannot steer a", "not steerable")) return new ThreadBusyError(failure);
  if (says("no active turn", "expected active turn id")) return new TurnNotActiveError(failure);
  if (message.startsWith("Invalid request:") || says("must not be empty")) {
    return new InvalidParamsError({ ...failure, message: withoutValues(message) });
  }
  return new InvalidRequestError(failure);
}

function unknownMethod(method: string): string {
  return `Invalid request: unknown variant \`${method}\``;
}

/** A decoding error quotes the value that did not fit, which may be anything the caller passed. */
function withoutValues(message: string): string {
  return message
    .replace(/unknown variant `[^`]*`/g, "unknown variant")
    .replace(/(invalid (?:type|value|length)): (\w+) .*?(, expected )/gs, "$1: $2$3");
}

function readFailure(method: string, error: unknown): RpcFailure {
  const fields = (typeof error === "object" && error !== null ? error : {}) as Record<
    string,
    unknown
  >;
  const { code, message, data } = fields;
  return {
    method,
    rpcCode: typeof code === "number" ? code : malformedResponseCode,
    message: typeof message === "string" ? message : "no message",
    data,
  };
}
