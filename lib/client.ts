import { CodexApi } from "./catalogue/codex-api.js";
import { onAbort, throwIfAborted } from "./async/abort.js";
import type { AsyncIteration } from "./async/async-iteration.js";
import { checkSignal } from "./errors/check-values.js";
import {
  connectKeys,
  onlyToConnect,
  onlyToStart,
  resolveConnect,
  type ConnectOptions,
  type ConnectTarget,
} from "./options/connect-options.js";
import type { CloseReason } from "./errors/connection-errors.js";
import { checkOptions } from "./errors/check-options.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import { guardedListener } from "./session/guarded-listener.js";
import type { Session } from "./session/session.js";
import {
  clientKeys,
  resolveSettings,
  type AppServerClientOptions,
  type ConnectionSettings,
  type ResolvedSettings,
} from "./options/options.js";
import type {
  ClientRequestMethod,
  ConnectionNotification,
  ParamsArgument,
  ParamsOf,
  ResultOf,
  ServerNotification,
  ServerNotificationMethod,
} from "./protocol.js";
import type { NotifyOptions, RequestOptions } from "./jsonrpc/connection.js";
import type { ConnectionStatus } from "./jsonrpc/connection-status.js";
import type { ServerInfo } from "./session/server-info.js";
import { StartDeadline } from "./jsonrpc/start-deadline.js";
import { serverPlaceOf } from "./runtime/codex-home.js";
import { homeOf } from "./runtime/home-of.js";
import { resolveLaunch } from "./runtime/launch.js";
import { runtimeFileOf } from "./runtime/runtime-file.js";
import type { HandlerOf } from "./server-requests/client-handlers.js";
import type { PendingRequest } from "./server-requests/open-request.js";
import type { RequestAnswer } from "./server-requests/request-answer.js";
import {
  openSession,
  type SurvivingState,
  type ConnectionSource,
  type OpenSession,
} from "./session/open-session.js";
import { configuredIn } from "./catalogue/configured-settings.js";
import { stopUnfollowed } from "./turns/stop-unfollowed.js";
import { startStdioTransport } from "./transport/stdio-transport.js";
import type { Transport } from "./transport/transport.js";

/**
 * One connection to one app-server: typed requests, typed notifications, threads and turns. When
 * the process is gone, so is the client; only a socket that drops is connected anew.
 *
 * `await using client = await AppServerClient.start()` closes it at the end of the block.
 */
export class AppServerClient extends CodexApi implements AsyncDisposable {
  /** Resolves, never rejects, when the connection is over, with the reason. */
  readonly closed: Promise<CloseReason>;
  readonly #core: OpenSession;
  #closing: Promise<void> | undefined;

  private constructor(transport: Transport, settings: ResolvedSettings, source: ConnectionSource) {
    super();
    this.#core = openSession(transport, settings, source, (...turn) => {
      void stopUnfollowed(...turn);
    });
    this.closed = this.#core.connection.closed;
    const unlink = onAbort(settings.signal, () => void this.close());
    void this.closed.then(unlink);
  }

  /**
   * Starts an app-server process and performs the handshake. Whatever fails, no process stays.
   *
   * @throws InvalidArgumentError, BinaryNotFoundError, SpawnError, HandshakeError,
   * IncompatibleServerError, or `signal.reason`.
   */
  static async start(options: AppServerClientOptions = {}): Promise<AppServerClient> {
    checkOptions("AppServerClient.start()", options, clientKeys, { elsewhere: onlyToConnect });
    return AppServerClient.startWith(options);
  }

  /**
   * The same with what lives on when the process does not.
   *
   * @internal
   */
  static async startWith(
    options: AppServerClientOptions,
    surviving: SurvivingState = {},
  ): Promise<AppServerClient> {
    const settings = resolveSettings(options);
    throwIfAborted(settings.signal);
    const deadline = new StartDeadline(settings.startTimeoutMs);
    const launch = await deadline.bound(resolveLaunch(options));
    throwIfAborted(settings.signal);
    const transport = await startStdioTransport(launch, { onStderr: settings.onStderr });
    const places = {
      configured: configuredIn(options),
      home: homeOf(launch),
      // A command line of the caller's may lead into a container.
      sharesFiles: launch.source !== "launch",
      place: serverPlaceOf(launch),
      runtimeFile: runtimeFileOf(launch),
    };
    return AppServerClient.#open(transport, settings, { ...surviving, ...places, deadline });
  }

  /**
   * Connects to a server that runs already, and performs the handshake. Other clients may use that
   * server too; `close()` ends the connection and leaves the server alone.
   *
   * @param target `"ws://127.0.0.1:4500"`, `"wss://host/path"`, `"unix:///run/codex.sock"`, or
   * `{ transport }`: streams of yours that lead to a server.
   * @throws InvalidArgumentError, MissingDependencyError when the package `ws` is not installed,
   * ConnectError, HandshakeError, IncompatibleServerError, what `options.token` throws, or
   * `signal.reason`.
   */
  static async connect(
    target: ConnectTarget,
    options: ConnectOptions = {},
  ): Promise<AppServerClient> {
    checkOptions("AppServerClient.connect()", options, connectKeys, { elsewhere: onlyToStart });
    return AppServerClient.connectWith(target, options);
  }

  /**
   * The same with what lives on when the connection is over.
   *
   * @internal
   */
  static async connectWith(
    target: ConnectTarget,
    options: ConnectOptions,
    surviving: SurvivingState = {},
  ): Promise<AppServerClient> {
    const { settings, open, reopening, shared } = resolveConnect(target, options);
    throwIfAborted(settings.signal);
    const deadline = new StartDeadline(settings.startTimeoutMs);
    const transport = await open(deadline.remainingMs, settings.signal);
    return AppServerClient.#open(transport, settings, {
      ...surviving,
      deadline,
      reopening,
      shared,
    });
  }

  /**
   * Performs the handshake over a transport that exists already.
   *
   * @internal
   */
  static attach(
    transport: Transport,
    options: ConnectionSettings = {},
    source: ConnectionSource = {},
  ): Promise<AppServerClient> {
    return AppServerClient.#open(transport, resolveSettings(options), source);
  }

  static async #open(
    transport: Transport,
    settings: ResolvedSettings,
    { deadline = new StartDeadline(settings.startTimeoutMs), ...source }: ConnectionSource,
  ): Promise<AppServerClient> {
    const client = new AppServerClient(transport, settings, { ...source, deadline });
    try {
      await client.#core.connection.start(transport);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** Version, user agent, codex home and platform of the server. */
  get serverInfo(): ServerInfo {
    const serverInfo = this.#core.serverInfo();
    if (!serverInfo) throw new TypeError("The handshake has not taken place.");
    return serverInfo;
  }

  /** Whether the connection works, is being restored, or is over. */
  get connectionStatus(): ConnectionStatus {
    return this.#core.connection.status;
  }

  /**
   * Calls `listener` whenever the connection was dropped, an attempt to restore it begins, it is back,
   * or it is over for good, in the context of this call as AsyncLocalStorage sees it; returns the function
   * that stops it. What it throws, or rejects with, goes to `onError`.
   */
  onConnectionStatus(listener: (status: ConnectionStatus) => void): () => void {
    if (typeof listener !== "function") {
      throw new InvalidArgumentError("listener", "must be a function");
    }
    const { callbacks } = this.#core;
    return this.#core.onStatus(
      callbacks.listener(listener, () => ({ where: "onConnectionStatus" })),
    );
  }

  /** Aborts when the connection is over; its reason is a TransportClosedError. */
  get signal(): AbortSignal {
    return this.#core.session.signal;
  }

  /**
   * Calls a method of the protocol. What it starts is yours: a turn or a thread that begins after the
   * deadline is not let go of, as one of a handle is.
   *
   * @throws a subclass of JsonRpcError when the server refuses, RequestTimeoutError,
   * TransportClosedError, InvalidArgumentError or MessageTooLargeError before anything is sent, or
   * `options.signal.reason`.
   */
  request<M extends ClientRequestMethod>(
    method: M,
    ...[params, options]: [...ParamsArgument<M>, options?: RequestOptions]
  ): Promise<ResultOf<M>> {
    return this.#core.session.request(method, params as ParamsOf<M>, options);
  }

  /**
   * Sends a notification, and resolves when it is written. The server knows only `initialized`, which the
   * start has sent.
   *
   * @throws TransportClosedError, InvalidArgumentError, MessageTooLargeError, `options.signal.reason`, or
   * RequestTimeoutError when the server does not read it within `options.timeoutMs` (by default that of
   * requests); it may still do so.
   */
  notify(method: string, params?: object, options?: NotifyOptions): Promise<void> {
    return this.#core.connection.notify(method, params, options);
  }

  /**
   * Every notification from now on, of all threads, in order. The iteration ends when the client is
   * closed, and throws a TransportClosedError when the connection is lost. What is not read is kept
   * in memory, up to about 64 MiB; beyond that it is dropped, and the iteration throws a
   * SlowConsumerError. So read on, or leave the loop.
   *
   * Of a connection that is restored when it drops, `connection/dropped` and
   * `connection/restored` tell at their place in the order.
   */
  notifications(
    options: { signal?: AbortSignal } = {},
  ): AsyncIteration<ServerNotification | ConnectionNotification> {
    checkOptions("notifications()", options, { signal: true });
    checkSignal(options.signal);
    return this.#core.session.hub.iterate(options.signal) as AsyncIteration<
      ServerNotification | ConnectionNotification
    >;
  }

  /**
   * Calls `listener` for each notification of one method, in the context of this call as AsyncLocalStorage
   * sees it; returns the function that stops it. What it throws, or rejects with, goes to `onError`.
   */
  on<M extends ServerNotificationMethod>(
    method: M,
    listener: (notification: ServerNotification<M>) => void,
  ): () => void {
    const { callbacks, session } = this.#core;
    return session.on(method, guardedListener(callbacks, method, listener));
  }

  /**
   * Answers the server's requests of one method, in their own shape, where no thread and no turn has a
   * handler; it goes before the handlers of the options. Returns what takes it away again.
   */
  handle<M extends string>(method: M, handler: HandlerOf<M>): () => void {
    return this.#core.handlers.handle(method, handler);
  }

  /** The server's requests that have no answer yet, oldest first. */
  pendingRequests(): PendingRequest[] {
    return this.#core.session.requests.pending();
  }

  /**
   * Answers an open request, from anywhere: with what its handler would return, or with the result as
   * it is on the wire. A handler that is still at it is told by its signal.
   *
   * @param request its `key`, or its `requestId`; only the key where a connection that drops is
   * restored, since another server counts its ids from zero.
   * @throws RequestNotPendingError when it is not open any more; InvalidArgumentError when this is no
   * answer to it, which leaves it open.
   */
  respond(request: string | number, answer: RequestAnswer): void {
    this.#core.session.requests.respond(request, answer);
  }

  /**
   * Ends the server process: running turns are lost, everything pending rejects. Resolves when the
   * process is gone; never rejects; calling it again returns the same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#core.connection.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  protected override getSession(): Promise<Session> {
    return Promise.resolve(this.#core.session);
  }

  /** @internal For handles that outlive one connection. */
  get session(): Session {
    return this.#core.session;
  }
}
