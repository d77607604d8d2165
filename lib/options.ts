import { safeLogger, type Logger } from "./async/logger.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import { resolveRetry, type RetryOptions } from "./rpc/retry.js";
import type { LaunchOptions } from "./runtime/launch.js";
import { checkHandlers, type ClientRequestHandlers } from "./server-requests/handlers.js";
import { SDK_VERSION } from "./version.js";

/** How a connection behaves, whatever carries it. */
export interface ConnectionSettings extends ClientRequestHandlers {
  /** How this application names itself to the server and, through it, to the model provider. */
  clientInfo?: { name: string; title?: string | null; version: string } | undefined;
  /** Whether experimental methods and fields may be used (default true). */
  experimentalApi?: boolean | undefined;
  /**
   * Whether threads may have the server trust their directory (default false): see `trustProject` of
   * `startThread`, which goes before this.
   */
  trustProject?: boolean | undefined;
  /** Notifications that the server need not send. Those the library relies on are refused. */
  optOutNotificationMethods?: readonly string[] | undefined;
  /** How long a request may take, waiting for its place included (ms, default 60,000). */
  requestTimeoutMs?: number | undefined;
  /** How long the start may take, from the launch to the end of the handshake (ms, default 30,000). */
  startTimeoutMs?: number | undefined;
  /** How many requests may be unanswered at a time (default 64). The server drops some above 128. */
  maxInFlight?: number | undefined;
  /** The longest message, in either direction (bytes, default 268,435,456). */
  maxMessageBytes?: number | undefined;
  /** Goes on with a server that is older than the oldest supported release (default false). */
  allowUnsupportedServer?: boolean | undefined;
  /** Whether, and how, requests are repeated while the server is too busy to take them. */
  retryOnOverload?: boolean | Omit<RetryOptions, "signal"> | undefined;
  /** Ends the start, or later the connection, when it aborts. */
  signal?: AbortSignal | undefined;
  /** Gets what the server writes to stderr, in pieces that need not be whole lines. */
  onStderr?: ((text: string) => void) | undefined;
  /** Gets the library's own remarks; never params or values. */
  logger?: Logger | undefined;
}

/** Everything about starting a server process and talking to it. */
export interface AppServerClientOptions extends LaunchOptions, ConnectionSettings {}

/** The settings with every default filled in. */
export interface ResolvedSettings {
  readonly clientInfo: { name: string; title: string | null; version: string };
  readonly experimentalApi: boolean;
  readonly trustProject: boolean;
  readonly optOutNotificationMethods: readonly string[];
  readonly requestTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly maxInFlight: number;
  readonly maxMessageBytes: number;
  readonly allowUnsupportedServer: boolean;
  readonly retryOnOverload: RetryOptions | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onStderr: ((text: string) => void) | undefined;
  readonly logger: Required<Logger>;
  readonly handlers: ClientRequestHandlers | undefined;
}

/** Without these, turns, threads, commands and logins could not be followed. */
const neededNotifications = new Set([
  "account/gatewayOAuth/changed",
  "account/login/completed",
  "command/exec/outputDelta",
  "error",
  "fs/changed",
  "fuzzyFileSearch/sessionCompleted",
  "fuzzyFileSearch/sessionUpdated",
  "item/completed",
  "item/started",
  "process/exited",
  "process/outputDelta",
  "serverRequest/resolved",
  "thread/archived",
  "thread/closed",
  "thread/deleted",
  "thread/status/changed",
  "thread/tokenUsage/updated",
  "turn/completed",
  "turn/started",
]);

/** @throws InvalidArgumentError, which names the option. */
export function resolveSettings(options: ConnectionSettings): ResolvedSettings {
  const { clientInfo, optOutNotificationMethods = [], retryOnOverload = false } = options;
  const name = clientInfo?.name ?? "codex-app-server-sdk";
  if (typeof name !== "string" || !/^[\x20-\x7e]+$/.test(name)) {
    throw new InvalidArgumentError(
      "clientInfo.name",
      "must be printable ASCII, as an HTTP header is",
    );
  }
  const version = clientInfo ? clientInfo.version : SDK_VERSION;
  if (typeof version !== "string") {
    throw new InvalidArgumentError("clientInfo.version", "must be a string");
  }
  if (!Array.isArray(optOutNotificationMethods)) {
    throw new InvalidArgumentError("optOutNotificationMethods", "must be an array of method names");
  }
  for (const method of optOutNotificationMethods as readonly string[]) {
    if (neededNotifications.has(method)) {
      throw new InvalidArgumentError(
        "optOutNotificationMethods",
        `must not name ${method}, which the library relies on`,
      );
    }
  }
  for (const callback of ["onStderr"] as const) {
    if (options[callback] !== undefined && typeof options[callback] !== "function") {
      throw new InvalidArgumentError(callback, "must be a function");
    }
  }
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new InvalidArgumentError("signal", "must be an AbortSignal");
  }
  return {
    clientInfo: { name, title: clientInfo?.title ?? null, version },
    experimentalApi: boolean(options, "experimentalApi", true),
    trustProject: boolean(options, "trustProject", false),
    optOutNotificationMethods,
    requestTimeoutMs: positive(options, "requestTimeoutMs", 60_000),
    startTimeoutMs: positive(options, "startTimeoutMs", 30_000),
    maxInFlight: whole(options, "maxInFlight", 64, 1),
    maxMessageBytes: whole(options, "maxMessageBytes", 256 * 1024 * 1024, 65_536),
    allowUnsupportedServer: boolean(options, "allowUnsupportedServer", false),
    retryOnOverload: retry(retryOnOverload),
    signal: options.signal,
    onStderr: options.onStderr,
    logger: safeLogger(options.logger),
    handlers: checkHandlers(options),
  };
}

function retry(value: boolean | Omit<RetryOptions, "signal">): RetryOptions | undefined {
  if (typeof value === "boolean") return value ? {} : undefined;
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- callers may be JavaScript
  if (typeof value !== "object" || value === null) {
    throw new InvalidArgumentError("retryOnOverload", "must be true, false or an object");
  }
  resolveRetry(value, "retryOnOverload.");
  return value;
}

function positive(
  options: ConnectionSettings,
  name: "requestTimeoutMs" | "startTimeoutMs",
  fallback: number,
): number {
  const value: unknown = options[name] ?? fallback;
  if (typeof value === "number" && value > 0) return value;
  throw new InvalidArgumentError(name, "must be a positive number of milliseconds");
}

function whole(
  options: ConnectionSettings,
  name: "maxInFlight" | "maxMessageBytes",
  fallback: number,
  minimum: number,
): number {
  const value: unknown = options[name] ?? fallback;
  if (Number.isSafeInteger(value) && (value as number) >= minimum) return value as number;
  throw new InvalidArgumentError(name, `must be a whole number, ${minimum} or more`);
}

function boolean(
  options: ConnectionSettings,
  name: "experimentalApi" | "trustProject" | "allowUnsupportedServer",
  fallback: boolean,
): boolean {
  const value: unknown = options[name] ?? fallback;
  if (typeof value === "boolean") return value;
  throw new InvalidArgumentError(name, "must be true or false");
}
