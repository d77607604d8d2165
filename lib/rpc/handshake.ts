import type { InitializeParams, InitializeResponse } from "../../generated/types.js";
import { ignoreRejection } from "../async/deferred.js";
import { AppServerError } from "../errors/base.js";
import { RequestTimeoutError, TransportClosedError } from "../errors/connection-errors.js";
import { HandshakeError } from "../errors/start-errors.js";
import type { Connection } from "./connection.js";
import type { StartDeadline } from "./start-deadline.js";

/**
 * Introduces the client (`initialize`, then `initialized`).
 *
 * @throws HandshakeError, which explains what the process did instead, or `signal.reason`.
 */
export async function handshake(
  connection: Connection,
  params: InitializeParams,
  options: {
    deadline: StartDeadline;
    signal: AbortSignal | undefined;
    stderrTail: () => string;
  },
): Promise<Partial<InitializeResponse>> {
  const { deadline, signal } = options;
  try {
    const timeoutMs = deadline.remainingMs;
    const response = await connection.request("initialize", params, { timeoutMs, signal });
    // Not awaited: whoever listens right after the start must not miss what comes behind the answer.
    // If it cannot be written, the connection ends and says so itself.
    void ignoreRejection(connection.notify("initialized", undefined, { timeoutMs: Infinity }));
    return typeof response === "object" && response !== null ? response : {};
  } catch (error) {
    // Whoever aborted may have given an error of ours as the reason, or closed the connection too.
    signal?.throwIfAborted();
    if (!(error instanceof AppServerError)) throw error;
    throw new HandshakeError(explain(error, deadline.limitMs), options.stderrTail(), {
      cause: error,
    });
  }
}

function explain(error: AppServerError, limitMs: number): string {
  if (error instanceof TransportClosedError) {
    const { error: failure } = error.reason;
    if (failure && error.exitCode === null && error.signal === null) {
      return `The connection failed before the app-server answered (${failure.message}); what listens there may not be one.`;
    }
    const how =
      error.signal !== null
        ? `was ended by ${error.signal}`
        : error.exitCode !== null
          ? `ended with code ${error.exitCode}`
          : "closed its output";
    return `The process ${how} before it answered; it may not be a codex app-server, or may lack its configuration.`;
  }
  if (error instanceof RequestTimeoutError) {
    return `The process did not answer within ${limitMs} ms; it may not be a codex app-server. Raise startTimeoutMs if it only needs longer.`;
  }
  return `The app-server did not accept the handshake: ${error.message}`;
}
