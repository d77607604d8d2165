import type { InitializeResponse } from "../../generated/types.js";
import { throwIfAborted } from "../async/abort.js";
import { ignoreRejection } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { AppServerError } from "../errors/base.js";
import { RequestTimeoutError, TransportClosedError } from "../errors/connection-errors.js";
import { HandshakeError } from "../errors/start-errors.js";
import type { Connection } from "../jsonrpc/connection.js";
import type { StartDeadline } from "../jsonrpc/start-deadline.js";
import type { ResolvedSettings } from "../options/options.js";
import type { ClientHandlers } from "../server-requests/client-handlers.js";
import type { Transport } from "../transport/transport.js";
import { checkServerVersion, toServerInfo, type ServerInfo } from "./server-info.js";

/** Where a server keeps what it has to remember. */
export interface ServerPlace {
  /** The directory that its databases are in. */
  readonly databases: string;
  /** Why it cannot be used, in a sentence that names the directory; `stderr` is what the server has said. */
  problem(stderr: string): Promise<string | undefined>;
}

interface HandshakeOptions {
  readonly handlers: ClientHandlers;
  readonly deadline: StartDeadline;
  /** Of a server that this client has started: it may be why that does not answer. */
  readonly place: ServerPlace | undefined;
}

/**
 * Tells the server who we are and what we can (`initialize`, then `initialized`), and learns who it is.
 *
 * @throws HandshakeError, which explains what the process did instead, IncompatibleServerError, or
 * `signal.reason`.
 */
export async function handshake(
  connection: Connection,
  transport: Transport,
  settings: ResolvedSettings,
  { handlers, deadline, place }: HandshakeOptions,
): Promise<ServerInfo> {
  const { clientInfo, experimentalApi, optOutNotificationMethods, signal } = settings;
  const capabilities = {
    experimentalApi,
    requestAttestation: handlers.canAttest,
    // Or a turn would wait for somebody at a browser on the server's machine.
    explicitGatewayOauth: true,
    optOutNotificationMethods: [...optOutNotificationMethods],
  };
  const params = { clientInfo, capabilities };
  let response: unknown;
  try {
    const timeoutMs = deadline.remainingMs;
    response = await connection.request("initialize", params, { timeoutMs, signal });
  } catch (error) {
    // Whoever aborted may have given an error of ours as the reason, or closed the connection too.
    throwIfAborted(signal);
    if (!(error instanceof AppServerError)) throw error;
    const stderr = transport.stderrTail?.() ?? "";
    const seen = await lookAt(place, stderr);
    throw new HandshakeError(explain(error, deadline.limitMs, seen), stderr, { cause: error });
  }
  // Not awaited: whoever listens right after the start must not miss what comes behind the answer.
  // If it cannot be written, the connection ends and says so itself.
  void ignoreRejection(connection.notify("initialized", undefined, { timeoutMs: Infinity }));
  const answer = Object(response) as Partial<InitializeResponse>;
  const serverInfo = toServerInfo(answer, clientInfo.name);
  checkServerVersion(serverInfo, settings.logger, settings.allowUnsupportedServer);
  return serverInfo;
}

interface Seen {
  readonly databases?: string;
  readonly problem?: string | undefined;
}

/** A disk that does not answer must not keep the failure from being told. */
async function lookAt(place: ServerPlace | undefined, stderr: string): Promise<Seen> {
  if (!place) return {};
  const problem = await settleWithin(place.problem(stderr), lookMs);
  return { databases: place.databases, problem: problem === "timeout" ? undefined : problem };
}

const lookMs = 1_000;

function explain(error: AppServerError, limitMs: number, { databases, problem }: Seen): string {
  if (error instanceof TransportClosedError) {
    const { error: failure } = error.reason;
    if (failure && error.exitCode === null && error.signal === null) {
      return `The connection failed before the app-server answered (${failure.message}). Check that an app-server listens there.`;
    }
    const how =
      error.signal !== null
        ? `was ended by ${error.signal}`
        : error.exitCode !== null
          ? `ended with code ${error.exitCode}`
          : "closed its output";
    if (problem !== undefined) return `The process ${how} before it answered: ${problem}`;
    return `The process ${how} before it answered; it may not be a codex app-server, or may lack its configuration. Check codexPath or launch.`;
  }
  if (error instanceof RequestTimeoutError) {
    const late = `The process did not answer within ${limitMs} ms`;
    if (problem !== undefined) return `${late}: ${problem}`;
    const lock =
      databases === undefined
        ? ""
        : `, or wait for another process that has locked a database in ${databases}`;
    return `${late}; it may not be a codex app-server${lock}. Raise startTimeoutMs if it only needs longer.`;
  }
  return `The app-server did not accept the handshake: ${error.message}`;
}
