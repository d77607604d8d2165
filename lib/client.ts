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
import { traceStart } from "./session/trace-start.js";
import { guardedListener } from "./session/guarded-listener.js";
import type { UsageSource } from "./resources/account/usage.js";
import { Session } from "./session/session.js";
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
import { recorderFor, type Recorder } from "./recording/recorder.js";
import type { ServerInfo } from "./session/server-info.js";
import { StartDeadline } from "./jsonrpc/start-deadline.js";
import { homeOf, serverPlaceOf } from "./runtime/codex-home.js";
import { resolveLaunch } from "./runtime/launch.js";
import type { HandlerOf } from "./server-requests/client-handlers.js";
import type { PendingRequest } from "./server-requests/open-request.js";
import type { RequestAnswer } from "./server-requests/request-kinds.js";
import type { ConnectionSource, SurvivingState } from "./session/connection-source.js";
import { configuredIn } from "./catalogue/configured-settings.js";
import { stopUnfollowed } from "./turns/stop-unfollowed.js";
import { startStdioTransport } from "./transport/stdio-transport.js";
import type { Transport } from "./transport/transport.js";

/**
 * One connection to one app-server: typed requests, typed notifications, threads and turns. The client is
 * over when its process is gone; only a socket that drops is connected again.
 *
 * `await using client = await AppServerClient.start()` closes it at the end of the block.
 */
export class AppServerClient extends CodexApi implements AsyncDisposable {
  /** Resolves, never rejects, when the connection is over, with the reason. */
  readonly closed: Promise<CloseReason>;
  readonly #session: Session;
  readonly #recorder: Recorder | undefined;
  #closing: Promise<void> | undefined;

  private constructor(transport: Transport, settings: ResolvedSettings, source: ConnectionSource) {
    super(
      (toBegin) =>
        new Promise((resolve) => {
          this.#session.work.admit(toBegin);
          resolve(this.#session);
        }),
    );
    this.#session = new Session(transport, settings, source, (...turn) => {
      void stopUnfollowed(...turn);
    });
    this.closed = this.#session.connection.closed;
    this.#recorder = source.recorder;
    const unlink = onAbort(settings.signal, () => void this.close());
    void this.closed.then(unlink);
  }

  /** @internal */
  protected override usageSource(): UsageSource {
    return { ledger: this.#session.usage, over: this.#session.signal };
  }

  /**
   * Starts an app-server process and performs the handshake. A start that fails leaves no process behind.
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
  static startWith(
    options: AppServerClientOptions,
    surviving: SurvivingState = {},
  ): Promise<AppServerClient> {
    return traceStart("process", () => AppServerClient.#start(options, surviving));
  }

  static async #start(
    options: AppServerClientOptions,
    surviving: SurvivingState,
  ): Promise<AppServerClient> {
    const settings = resolveSettings(options);
    throwIfAborted(settings.signal);
    const deadline = new StartDeadline(settings.startTimeoutMs);
    const launch = await deadline.bound(resolveLaunch(options));
    throwIfAborted(settings.signal);
    const transport = await startStdioTransport(launch, { onStderr: settings.onStderr });
    const places = {
      recorder: surviving.recorder ?? recorderFor(settings, launch.env),
      configured: configuredIn(options),
      home: homeOf(launch),
      // A command line of the caller's may lead into a container.
      sharesFiles: launch.source !== "launch",
      place: serverPlaceOf(launch),
      runtimeFile: launch.source === "launch" ? undefined : launch.command,
    };
    return AppServerClient.#open(transport, settings, { ...surviving, ...places, deadline });
  }

  /**
   * Connects to a server that runs already, and performs the handshake. Other clients may use that
   * server too; `close()` ends the connection and leaves the server alone.
   *
   * @param target `"ws://127.0.0.1:4500"`, `"wss://host/path"`, `"unix:///run/codex.sock"`, or
   * `{ transport }`: streams of yours that lead to a server; or a server in this process, such as a
   * `FakeAppServer`.
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
  static connectWith(
    target: ConnectTarget,
    options: ConnectOptions,
    surviving: SurvivingState = {},
  ): Promise<AppServerClient> {
    return traceStart("connection", () => AppServerClient.#connect(target, options, surviving));
  }

  static async #connect(
    target: ConnectTarget,
    options: ConnectOptions,
    surviving: SurvivingState,
  ): Promise<AppServerClient> {
    const { settings, open, reopening, shared } = resolveConnect(target, options);
    throwIfAborted(settings.signal);
    const deadline = new StartDeadline(settings.startTimeoutMs);
    const transport = await open(deadline.remainingMs, settings.signal);
    return AppServerClient.#open(transport, settings, {
      ...surviving,
      recorder: surviving.recorder ?? recorderFor(settings),
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
      await client.#session.connection.start(transport);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** Version, user agent, codex home and platform of the server. */
  get serverInfo(): ServerInfo {
    const serverInfo = this.#session.serverInfo;
    if (!serverInfo)
      throw new TypeError(
        "The client has not finished its handshake with the server: await start() or connect() first.",
      );
    return serverInfo;
  }

  /** The state of the connection: it works, is being restored, or is over. */
  get connectionStatus(): ConnectionStatus {
    return this.#session.connection.status;
  }

  /**
   * Calls `listener` when the connection was dropped, when an attempt to restore it begins, when it is
   * back, and when it is over for good. The listener runs in the context of this call, as
   * AsyncLocalStorage sees it; what it throws, or rejects with, goes to `onError`.
   *
   * @returns the function that stops it.
   */
  onConnectionStatus(listener: (status: ConnectionStatus) => void): () => void {
    if (typeof listener !== "function") {
      throw new InvalidArgumentError("listener", "must be a function");
    }
    const { callbacks } = this.#session;
    return this.#session.onStatus(
      callbacks.listener(listener, () => ({ where: "onConnectionStatus" })),
    );
  }

  /** Aborts when the connection is over; its reason is a TransportClosedError. */
  get signal(): AbortSignal {
    return this.#session.signal;
  }

  /**
   * Calls a method of the protocol. You own what the method starts: the client does not stop a turn or a
   * thread that begins after the deadline, as it would for a handle.
   *
   * @throws a subclass of JsonRpcError when the server refuses, RequestTimeoutError, TransportClosedError,
   * InvalidArgumentError or MessageTooLargeError before anything is sent, or `options.signal.reason`.
   */
  request<M extends ClientRequestMethod>(
    method: M,
    ...[params, options]: [...ParamsArgument<M>, options?: RequestOptions]
  ): Promise<ResultOf<M>> {
    const refusal = this.#session.work.refusalOf(method, params);
    if (refusal) return Promise.reject(refusal);
    return this.#session.requestByHand(method, params as ParamsOf<M>, options);
  }

  /**
   * Sends a notification, and resolves when it is written. The server knows only `initialized`, which the
   * start has sent.
   *
   * @throws TransportClosedError, InvalidArgumentError, MessageTooLargeError, `options.signal.reason`, or
   * RequestTimeoutError when the server does not read it within `options.timeoutMs` (ms; default: the
   * client's `requestTimeoutMs`); the server may still read it later.
   */
  notify(method: string, params?: object, options?: NotifyOptions): Promise<void> {
    return this.#session.connection.notify(method, params, options);
  }

  /**
   * Iterates every notification from now on, of all threads, in order. The iteration ends when the client
   * is closed, and throws a TransportClosedError when the connection is lost. Notifications that you have
   * not read wait in memory, up to about 64 MiB; beyond that they are dropped, and the iteration throws a
   * SlowConsumerError. So read on, or leave the loop.
   *
   * A connection that is restored when it drops adds `connection/dropped` and `connection/restored` in
   * their place.
   */
  notifications(
    options: { signal?: AbortSignal } = {},
  ): AsyncIteration<ServerNotification | ConnectionNotification> {
    checkOptions("notifications()", options, { signal: true });
    checkSignal(options.signal);
    return this.#session.hub.iterate(options.signal) as AsyncIteration<
      ServerNotification | ConnectionNotification
    >;
  }

  /**
   * Calls `listener` for each notification of one method. It runs in the context of this call, as
   * AsyncLocalStorage sees it; what it throws, or rejects with, goes to `onError`.
   *
   * @returns the function that stops it.
   */
  on<M extends ServerNotificationMethod>(
    method: M,
    listener: (notification: ServerNotification<M>) => void,
  ): () => void {
    return this.#session.on(method, guardedListener(this.#session.callbacks, method, listener));
  }

  /**
   * Answers the server's requests of one method, in their own shape, when no thread and no turn has a
   * handler for them. It goes before the handlers of the options.
   *
   * @returns the function that removes it.
   */
  handle<M extends string>(method: M, handler: HandlerOf<M>): () => void {
    return this.#session.handlers.handle(method, handler);
  }

  /** The server's requests that have no answer yet, oldest first. */
  pendingRequests(): PendingRequest[] {
    return this.#session.requests.pending();
  }

  /**
   * Answers an open request, from anywhere: with what its handler would return, or with the result as it
   * is on the wire. The signal of a handler that is still working on it aborts.
   *
   * @param request its `key`, or its `requestId`; only the key where a connection that drops is restored,
   * since another server counts its ids from zero.
   * @throws RequestNotPendingError when the request is no longer open; InvalidArgumentError when the
   * answer does not fit the request, which stays open.
   */
  respond(request: string | number, answer: RequestAnswer): void {
    this.#session.requests.respond(request, answer);
  }

  /**
   * Ends the server process: running turns are lost, everything pending rejects. Resolves when the
   * process is gone; never rejects; calling it again returns the same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#session.connection.close().then(() => this.#recorder?.finish());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal For handles that outlive one connection. */
  get session(): Session {
    return this.#session;
  }
}
