import { onAbort } from "./async/abort.js";
import { TransportClosedError, type CloseReason } from "./errors/connection-errors.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";
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
import { LoadedThreads } from "./rpc/loaded-threads.js";
import type { NotificationMessage } from "./rpc/message.js";
import { NotificationHub } from "./rpc/notification-hub.js";
import { retryOnOverload, type RetryOptions } from "./rpc/retry.js";
import { checkServerVersion, toServerInfo, type ServerInfo } from "./rpc/server-info.js";
import { ThreadGate } from "./rpc/thread-gate.js";
import { TurnRoutes } from "./rpc/turn-routes.js";
import { resolveLaunch } from "./runtime/launch.js";
import { refuseRequest } from "./server-requests/refusals.js";
import { CodexApi } from "./api.js";
import type { Host, TurnFollower } from "./host.js";
import { resumeThread } from "./threads/thread-resume.js";
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
  readonly #hub: NotificationHub;
  readonly #gate = new ThreadGate();
  readonly #loaded = new LoadedThreads(this.#gate);
  readonly #turns = new TurnRoutes<TurnFollower>();
  readonly #ended = new AbortController();
  readonly #host: Host;
  #serverInfo: ServerInfo | undefined;
  #closing: Promise<void> | undefined;

  private constructor(transport: Transport, settings: ResolvedSettings) {
    super();
    this.#settings = settings;
    this.#hub = new NotificationHub(settings.logger);
    this.#host = this.#createHost();
    // All routes exist before the first byte is read.
    this.#connection = new Connection(transport, {
      ...settings,
      onNotification: (message) => {
        this.#receive(message);
      },
      onRequest: (message) => {
        settings.logger.warn(`${message.method} was refused: nobody handles it.`);
        return refuseRequest(message);
      },
    });
    const unlink = onAbort(settings.signal, () => void this.close());
    this.closed = this.#connection.closed.then((reason) => {
      unlink();
      // First of all, so that nobody who is told of the loss still takes this client for a live one.
      this.#ended.abort(new TransportClosedError(reason));
      this.#turns.close(reason);
      this.#gate.close();
      this.#hub.close(reason);
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
    const settings = resolveSettings(options);
    settings.signal?.throwIfAborted();
    const launch = await resolveLaunch(options);
    const transport = await startStdioTransport(launch, { onStderr: settings.onStderr });
    return AppServerClient.#open(transport, settings);
  }

  /**
   * Performs the handshake over a transport that exists already.
   *
   * @internal
   */
  static attach(transport: Transport, options: ConnectionSettings = {}): Promise<AppServerClient> {
    return AppServerClient.#open(transport, resolveSettings(options));
  }

  static async #open(transport: Transport, settings: ResolvedSettings): Promise<AppServerClient> {
    const client = new AppServerClient(transport, settings);
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
    return this.#ended.signal;
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
    return this.#call(method, params as ParamsOf<M>, options);
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
    return this.#hub.iterate(options.signal) as AsyncIterableIterator<
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
    return this.#hub.on(method, listener as (message: NotificationMessage) => void);
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
    return Promise.resolve(this.#host);
  }

  /** @internal For handles that outlive one connection. */
  get host(): Host {
    return this.#host;
  }

  async #call<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options: RequestOptions = {},
  ): Promise<ResultOf<M>> {
    const { retryOnOverload: retry } = this.#settings;
    const send = () => this.#connection.request(method, params, options);
    const refused = this.#loaded.asked(method, params);
    try {
      const result = await (retry ? this.#retrying(method, send, retry, options.signal) : send());
      this.#loaded.answered(method, params, result);
      return result as ResultOf<M>;
    } catch (error) {
      refused();
      throw error;
    }
  }

  /** A pause before the next attempt ends with the connection, too. */
  async #retrying(
    method: string,
    send: () => Promise<unknown>,
    retry: RetryOptions,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const stop = new AbortController();
    const unlinks = [signal, this.signal].map((each) =>
      onAbort(each, (reason) => {
        stop.abort(reason);
      }),
    );
    try {
      return await retryOnOverload(send, { ...retry, signal: stop.signal });
    } catch (error) {
      if (error !== this.signal.reason) throw error;
      throw new TransportClosedError(await this.closed, method);
    } finally {
      for (const unlink of unlinks) unlink();
    }
  }

  #receive(message: NotificationMessage): void {
    this.#loaded.observe(message);
    this.#gate.observe(message);
    this.#turns.route(message);
    this.#hub.publish(message);
  }

  #createHost(): Host {
    const closed = () => this.closed;
    const host: Host = {
      turns: this.#turns,
      gate: this.#gate,
      get closed() {
        return closed();
      },
      signal: this.signal,
      on: (method, listener) => this.on(method, listener),
      call: (method, params, options) => this.#call(method, params, options),
      load: (threadId) =>
        this.#loaded.ensure(threadId, () => resumeThread(host, { threadId, excludeTurns: true })),
      isLoaded: (threadId) => this.#loaded.has(threadId),
      unload: (threadId) => {
        this.#loaded.delete(threadId);
      },
    };
    return host;
  }

  async #shakeHands(transport: Transport): Promise<void> {
    const { clientInfo, experimentalApi, optOutNotificationMethods, signal } = this.#settings;
    const capabilities = {
      experimentalApi,
      requestAttestation: false,
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
