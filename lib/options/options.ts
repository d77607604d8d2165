import { handleOutcome, isPromise } from "../async/call-safely.js";
import type { Logger } from "../async/logger.js";
import type { TraceContext } from "../diagnostics/trace-context.js";
import { Callbacks, type ErrorListener } from "../errors/callbacks.js";
import { checkKeys, withoutKeys, type KeysOf } from "../errors/check-options.js";
import {
  abortSignal,
  anything,
  bytes,
  callback,
  check,
  checkFields,
  checkWellFormed,
  flag,
  flagOrObject,
  milliseconds,
  string,
  strings,
  text,
  whole,
  type Rule,
  type RulesOf,
} from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { observedNotifications } from "../messages/observed-notifications.js";
import { resolveRetry, retryRules, type RetryOptions } from "../jsonrpc/retry.js";
import { launchRules } from "../runtime/check-launch-options.js";
import type { LaunchOptions } from "../runtime/launch-options.js";
import {
  checkHandlers,
  clientRequestHandlerKeys,
  type ClientRequestHandlers,
} from "../server-requests/handlers.js";
import { SDK_VERSION } from "../version.js";

/** Options of every connection, whatever carries it. */
export interface ConnectionSettings extends ClientRequestHandlers {
  /** The name and version of this application, for the server and, through it, for the model provider. */
  clientInfo?: { name: string; title?: string | null; version: string } | undefined;
  /** Whether experimental methods and fields may be used (default true). */
  experimentalApi?: boolean | undefined;
  /**
   * Whether threads may have the server trust their directory (default false). The option `trustProject`
   * of `startThread` goes before this one.
   */
  trustProject?: boolean | undefined;
  /**
   * Whether the server sees the files of this process under the same paths (default: true for a runtime
   * that this library finds and starts, false with `launch`, a socket or streams of yours, which may lead
   * to another machine or into a container).
   *
   * With true, relative paths start at the working directory of this process, and local images and sounds
   * are sent as paths. With false, relative paths are refused, and local images and sounds are read here
   * and travel with the request.
   */
  sharesFiles?: boolean | undefined;
  /**
   * Notifications that the server need not send. The library refuses those that it listens to, except text
   * deltas, diffs and plans: without these `turn.state` shows less while a turn runs.
   */
  optOutNotificationMethods?: readonly string[] | undefined;
  /** How long a request may take, waiting for its place included (ms, default 60,000). */
  requestTimeoutMs?: number | undefined;
  /** How long the start may take, from the launch to the end of the handshake (ms, default 30,000). */
  startTimeoutMs?: number | undefined;
  /** How many requests may be unanswered at a time (default 64). The server drops some above 128. */
  maxInFlight?: number | undefined;
  /** The longest message, in either direction (bytes, default 268,435,456). */
  maxMessageBytes?: number | undefined;
  /**
   * How much may wait to be read, for all consumers of the client together: of its turns, goals, commands,
   * watches and notifications (bytes, about; default 268,435,456). Beyond it, the library drops what waits
   * for the consumer that lags furthest behind, whose iteration throws a SlowConsumerError. `Infinity`
   * sets no limit.
   */
  maxTotalBacklogBytes?: number | undefined;
  /** Goes on with a server that is older than the oldest supported release (default false). */
  allowUnsupportedServer?: boolean | undefined;
  /** Whether, and how, requests are repeated while the server is too busy to take them. */
  retryOnOverload?: boolean | Omit<RetryOptions, "signal"> | undefined;
  /** Ends the start, or later the connection, when it aborts. */
  signal?: AbortSignal | undefined;
  /** Gets what the server writes to stderr, in pieces that need not be whole lines. */
  onStderr?: ((text: string) => void) | undefined;
  /**
   * Gets errors that functions of yours throw, or reject with, when no call of yours rejects with them:
   * handlers of the server's requests, tools, listeners, and the functions among these options. `origin`
   * says which function it was, and for which method, thread and turn. It runs in the context of the
   * function that failed, as AsyncLocalStorage sees it. Two failures are not reported: a handler that
   * gives up because its `signal` has aborted, and arguments that do not fit a tool's `input`.
   *
   * Default: the class of the error and its stack frames go to `logger.error`, without the message, which
   * may hold values.
   */
  onError?: ErrorListener | undefined;
  /** Gets the library's own remarks; never params or values. */
  logger?: Logger | undefined;
  /**
   * Gives the trace that a request belongs to (W3C Trace Context), when the call names none with `trace`. It is asked
   * for each request before that is sent, in the context of the call, as AsyncLocalStorage sees it; `undefined` sends
   * none. What it throws, and why what it gives is no trace, goes to `onError`, and the request goes without a trace.
   * With `instrument()` of `codex-app-server-sdk/telemetry`, leave it out: that gives OpenTelemetry's.
   */
  traceContext?: (() => TraceContext | undefined) | undefined;
  /**
   * A file that gets all messages of the connection, as lines of JSON, without tokens, keys, values of
   * environment variables and e-mail addresses. `replayServer()` of `codex-app-server-sdk/testing` answers
   * from it: so a bug report becomes a test. A file that is there is replaced; only its owner may read it.
   * What the model and its commands say stands in it: read it before you pass it on. A recording that cannot
   * be written ends with one warning of the logger, and nothing else.
   */
  record?: string | undefined;
}

/** Options for starting a server process and talking to it. */
export interface AppServerClientOptions extends LaunchOptions, ConnectionSettings {}

const settingRules: RulesOf<Omit<ConnectionSettings, keyof ClientRequestHandlers>> = {
  clientInfo: anything,
  experimentalApi: flag,
  trustProject: flag,
  sharesFiles: flag,
  optOutNotificationMethods: { ...strings, problem: "must be an array of method names" },
  requestTimeoutMs: milliseconds,
  startTimeoutMs: milliseconds,
  maxInFlight: whole(1),
  maxMessageBytes: whole(65_536),
  maxTotalBacklogBytes: bytes,
  allowUnsupportedServer: flag,
  retryOnOverload: flagOrObject,
  signal: abortSignal,
  onStderr: callback,
  onError: callback,
  logger: anything,
  traceContext: callback,
  record: { ...text, problem: "must be the path of a file" },
};

export const connectionKeys: KeysOf<ConnectionSettings> = {
  ...clientRequestHandlerKeys,
  ...settingRules,
};

export const clientKeys: KeysOf<AppServerClientOptions> = { ...launchRules, ...connectionKeys };

const clientInfoKeys: KeysOf<NonNullable<ConnectionSettings["clientInfo"]>> = {
  name: true,
  title: true,
  version: true,
};

/** The settings with every default filled in. */
export type ResolvedSettings = Readonly<ReturnType<typeof resolveSettings>>;

const headerText: Rule = {
  fits: (value) => typeof value === "string" && /^[\x20-\x7e]+$/.test(value),
  problem: "must be printable ASCII, as an HTTP header is",
};

/** @throws InvalidArgumentError, which names the option. */
export function resolveSettings(options: ConnectionSettings) {
  const { clientInfo, optOutNotificationMethods = [], retryOnOverload = false } = options;
  if (clientInfo !== undefined) checkKeys("clientInfo", clientInfo, clientInfoKeys);
  const name = clientInfo?.name ?? "codex-app-server-sdk";
  const version = clientInfo ? clientInfo.version : SDK_VERSION;
  const title = clientInfo?.title ?? null;
  check("clientInfo.name", name, headerText);
  check("clientInfo.version", version, string);
  check("clientInfo.title", title ?? "", string);
  // The server would not answer text that it cannot read, and the start would fail for lack of an
  // answer.
  checkWellFormed("clientInfo.version", version);
  checkWellFormed("clientInfo.title", title ?? "");
  checkFields(options, settingRules);
  checkOptOut(optOutNotificationMethods);
  const callbacks = new Callbacks(options.onError, options.logger);
  const { onStderr, traceContext } = options;
  return {
    clientInfo: { name, title, version },
    experimentalApi: options.experimentalApi ?? true,
    optOutNotificationMethods: [...optOutNotificationMethods],
    trustProject: options.trustProject ?? false,
    /** Undefined when the caller has not said. */
    sharesFiles: options.sharesFiles,
    requestTimeoutMs: options.requestTimeoutMs ?? 60_000,
    startTimeoutMs: options.startTimeoutMs ?? 30_000,
    maxInFlight: options.maxInFlight ?? 64,
    maxMessageBytes: options.maxMessageBytes ?? 256 * 1024 * 1024,
    maxTotalBacklogBytes: options.maxTotalBacklogBytes ?? 256 * 1024 * 1024,
    allowUnsupportedServer: options.allowUnsupportedServer ?? false,
    retryOnOverload: retry(retryOnOverload, callbacks),
    signal: options.signal,
    onStderr: onStderr && callbacks.guard(onStderr, () => ({ where: "onStderr" })),
    logger: callbacks.logger,
    callbacks,
    traceContext: traceContext && tracesFrom(traceContext, callbacks),
    handlers: checkHandlers(options),
    record: options.record,
  };
}

/** Makes of `traceContext` a function that never throws, and leaves no rejection unhandled. */
function tracesFrom(
  traceContext: () => TraceContext | undefined,
  callbacks: Callbacks,
): (method: string) => TraceContext | undefined {
  return (method) => {
    try {
      const trace: unknown = traceContext();
      if (!isPromise(trace)) return trace as TraceContext | undefined;
      handleOutcome(trace, () => undefined);
      throw new InvalidArgumentError("traceContext", "must return a trace, and no promise of one");
    } catch (error) {
      callbacks.failed(error, { where: "traceContext", method });
      return undefined;
    }
  };
}

function checkOptOut(methods: readonly string[]): void {
  for (const method of methods) checkWellFormed("optOutNotificationMethods", method);
  const needed = observedNotifications.find((method) => methods.includes(method));
  if (needed === undefined) return;
  throw new InvalidArgumentError(
    "optOutNotificationMethods",
    `must not name ${needed}, which the library relies on`,
  );
}

function retry(
  value: boolean | Omit<RetryOptions, "signal">,
  callbacks: Callbacks,
): RetryOptions | undefined {
  if (typeof value === "boolean") return value ? {} : undefined;
  checkKeys("retryOnOverload", value, withoutKeys(retryRules, "signal"));
  const { onRetry } = resolveRetry(value, "retryOnOverload");
  if (!onRetry) return value;
  // A request must not fail because somebody who looks on does.
  const guarded = callbacks.guard(onRetry, ({ method }) => ({ where: "onRetry", method }));
  return { ...value, onRetry: guarded };
}
