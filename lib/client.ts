import { CodexApi } from "./api.js";
import { onAbort } from "./async/abort.js";
import type { CloseReason } from "./errors/connection-errors.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import type { Host } from "./host.js";
import {
  resolveSettings,
  type AppServerClientOptions,
  type ConnectionSettings,
  type ResolvedSettings,
} from "./options.js";
import type {
  ClientRequestMethod,
  ParamsArgument,
  ParamsOf,
  ResultOf,
  ServerNotification,
  ServerNotificationMethod,
} from "./protocol.js";
import { Connection, type RequestOptions } from "./rpc/connection.js";
import { handshake } from "./rpc/handshake.js";
import { checkServerVersion, toServerInfo, type ServerInfo } from "./rpc/server-info.js";
import { resolveLaunch } from "./runtime/launch.js";
import { ClientHandlers, type HandlerOf } from "./server-requests/client-handlers.js";
import type { PendingRequest } from "./server-requests/open-request.js";
import type { RequestAnswer } from "./server-requests/request-answer.js";
import { Session } from "./session.js";
import { startStdioTransport } from "./transport/stdio-transport.js";
import type { Transport } from "./transport/transport.js";

/**
 * One connection to one app-server: typed requests, typed notifications, threads and turns.
 * Nothing happens behind your back; when the process is gone, so is the client.
 *
 * `await using client = await AppServerClient.start()` closes it at the end of the block.
 */
export class AppServerClient extends CodexApi implements AsyncDisposable {
  /** Resolves, never rejects, when the connection is over, with the reason. */
  readonly closed: Promise<CloseReason>;
  readonly #connection: Connection;
  readonly #settings: ResolvedSettings;
  readonly #handlers: ClientHandlers;
  readonly #session: Session;
  #serverInfo: ServerInfo | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    transport: Transport,
    settings: ResolvedSettings,
    handlers = new ClientHandlers(settings.handlers),
  ) {
    super();
    this.#settings = settings;
    this.#handlers = handlers;
    const session = new Session(settings, handlers, (method, params, options) =>
      this.#connection.request(method, params, options),
    );
    this.#session = session;
    // All routes exist before the first byte is read.
    this.#connection = new Connection(transport, {
      ...settings,
      onNotification: (message) => {
        session.receive(message);
      },
      onRequest: (message) => session.answer(message),
    });
    const unlink = onAbort(settings.signal, () => void this.close());
    this.closed = this.#connection.closed.then((reason) => {
      unlink();
      session.end(reason);
      return reason;
    });
  }

  /**
   * Starts an app-server process and performs the handshake. Whatever fails, no process stays.
   *
   * @throws InvalidArgumentError, BinaryNotFoundError, SpawnError, HandshakeError,
   * IncompatibleServerError, or `signal.reason`.
   */
  static async start(options: AppServerClientOptions = {}): Promise<AppServerClient> {
    return AppServerClient.startWith(options);
  }

  /**
   * The same with handlers that live on when the process does not.
   *
   * @internal
   */
  static async startWith(
    options: AppServerClientOptions,
    handlers?: ClientHandlers,
  ): Promise<AppServerClient> {
    const settings = resolveSettings(options);
    settings.signal?.throwIfAborted();
    const launch = await resolveLaunch(options);
    const transport = await startStdioTransport(launch, { onStderr: settings.onStderr });
    return AppServerClient.#open(transport, settings, handlers);
  }

  /**
   * Performs the handshake over a transport that exists already.
   *
   * @internal
   */
  static attach(transport: Transport, options: ConnectionSettings = {}): Promise<AppServerClient> {
    return AppServerClient.#open(transport, resolveSettings(options));
  }

  static async #open(
    transport: Transport,
    settings: ResolvedSettings,
    handlers?: ClientHandlers,
  ): Promise<AppServerClient> {
    const client = new AppServerClient(transport, settings, handlers);
    try {
      await client.#shakeHands(transport);
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** Version, user agent, codex home and platform of the server. */
  get serverInfo(): ServerInfo {
    if (!this.#serverInfo) throw new TypeError("The handshake has not taken place.");
    return this.#serverInfo;
  }

  /** Aborts when the connection is over; its reason is a TransportClosedError. */
  get signal(): AbortSignal {
    return this.#session.signal;
  }

  /**
   * Calls a method of the protocol.
   *
   * @throws a subclass of JsonRpcError when the server refuses, RequestTimeoutError,
   * TransportClosedError, InvalidArgumentError or MessageTooLargeError before anything is sent, or
   * `options.signal.reason`.
   */
  request<M extends ClientRequestMethod>(
    method: M,
    ...[params, options]: [...ParamsArgument<M>, options?: RequestOptions]
  ): Promise<ResultOf<M>> {
    return this.#session.call(method, params as ParamsOf<M>, options);
  }

  /** Sends a notification. The server knows only `initialized`, which the start has sent. */
  notify(method: string, params?: object): Promise<void> {
    return this.#connection.notify(method, params);
  }

  /**
   * Every notification from now on, of all threads, in order. The iteration ends when the client is
   * closed, and throws a TransportClosedError when the connection is lost. What is not read is kept
   * in memory, so read on or leave the loop.
   */
  notifications(
    options: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<ServerNotification, undefined> {
    return this.#session.hub.iterate(options.signal) as AsyncIterableIterator<
      ServerNotification,
      undefined
    >;
  }

  /** Calls `listener` for each notification of one method; returns the function that stops it. */
  on<M extends ServerNotificationMethod>(
    method: M,
    listener: (notification: ServerNotification<M>) => void,
  ): () => void {
    if (typeof listener !== "function") {
      throw new InvalidArgumentError("listener", "must be a function");
    }
    return this.#session.on(method, listener);
  }

  /**
   * Answers the server's requests of one method, in their own shape, where no thread and no turn has a
   * handler; it goes before the handlers of the options. Returns what takes it away again.
   */
  handle<M extends string>(method: M, handler: HandlerOf<M>): () => void {
    return this.#handlers.handle(method, handler);
  }

  /** The server's requests that have no answer yet, oldest first. */
  pendingRequests(): PendingRequest[] {
    return this.#session.requests.pending();
  }

  /**
   * Answers an open request, from anywhere: with what its handler would return, or with the result as
   * it is on the wire. A handler that is still at it is told by its signal.
   *
   * @param request its `key`, or its `requestId`.
   * @throws RequestNotPendingError when it is not open any more; InvalidArgumentError when this is no
   * answer to it, which leaves it open.
   */
  respond(request: string | number, answer: RequestAnswer): void {
    this.#session.requests.respond(request, answer);
  }

  /**
   * Ends the server process: running turns are lost, everything pending rejects. Resolves when the
   * process is gone; never rejects; calling it again returns the same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#connection
      .close()
      .then(() => this.closed)
      .then(() => undefined);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  protected override connect(): Promise<Host> {
    return Promise.resolve(this.#session);
  }

  /** @internal For handles that outlive one connection. */
  get host(): Host {
    return this.#session;
  }

  async #shakeHands(transport: Transport): Promise<void> {
    const { clientInfo, experimentalApi, optOutNotificationMethods, signal } = this.#settings;
    const capabilities = {
      experimentalApi,
      requestAttestation: this.#handlers.canAttest,
      // Or a turn would wait for somebody at a browser on the server's machine.
      explicitGatewayOauth: true,
      optOutNotificationMethods: [...optOutNotificationMethods],
    };
    const response = await handshake(
      this.#connection,
      { clientInfo, capabilities },
      {
        timeoutMs: this.#settings.startTimeoutMs,
        signal,
        stderrTail: () => transport.stderrTail(),
      },
    );
    this.#serverInfo = toServerInfo(response, clientInfo.name);
    const { logger, allowUnsupportedServer } = this.#settings;
    checkServerVersion(this.#serverInfo, logger, allowUnsupportedServer);
  }
}
