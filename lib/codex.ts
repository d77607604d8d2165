import type { Account } from "../generated/types.js";
import { onAbort } from "./async/abort.js";
import { AppServerClient } from "./client.js";
import { TransportClosedError } from "./errors/connection-errors.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import { RequestNotPendingError } from "./errors/server-request-errors.js";
import { resolveSettings, type AppServerClientOptions } from "./options.js";
import type { ServerInfo } from "./rpc/server-info.js";
import { checkLaunchOptions } from "./runtime/check-launch-options.js";
import { ClientHandlers, type HandlerOf } from "./server-requests/client-handlers.js";
import type { PendingRequest } from "./server-requests/open-request.js";
import type { RequestAnswer } from "./server-requests/request-answer.js";
import { CodexApi } from "./api.js";
import type { Host } from "./host.js";

/** The options of the client, with overload retries on. */
export type CodexOptions = AppServerClientOptions;

/** What `ready()` found. */
export interface Readiness {
  readonly serverInfo: ServerInfo;
  /** Who is logged in; `null` when nobody is, or when the model provider needs no login. */
  readonly account: Account | null;
  /** Whether turns will fail until somebody logs in. */
  readonly loginRequired: boolean;
}

/**
 * The default way in: make one when your process starts, and share it. The app-server is started by
 * the first call that needs it; calls that come together share that start, and when it fails or
 * the process dies, the next call starts anew. Requests are repeated while the server is too busy
 * to take them.
 *
 * `await using codex = new Codex()` closes it at the end of the block.
 */
export class Codex extends CodexApi implements AsyncDisposable {
  readonly #options: CodexOptions;
  readonly #closed = new AbortController();
  readonly #handlers: ClientHandlers;
  #client: Promise<AppServerClient> | undefined;
  /** The client, once it has been started. */
  #live: AppServerClient | undefined;
  #closing: Promise<void> | undefined;

  /** Starts nothing. @throws InvalidArgumentError for an option that cannot work. */
  constructor(options: CodexOptions = {}) {
    super();
    this.#handlers = new ClientHandlers(resolveSettings(options).handlers);
    checkLaunchOptions(options);
    const { signal } = this.#closed;
    this.#options = {
      ...options,
      retryOnOverload: options.retryOnOverload ?? true,
      // Closing must not wait for a start that takes its time.
      signal: options.signal ? AbortSignal.any([options.signal, signal]) : signal,
    };
  }

  /**
   * The connection of this moment, started if there is none.
   *
   * @throws what `AppServerClient.start` throws; TransportClosedError after `close()`.
   */
  async client(): Promise<AppServerClient> {
    if (this.#closing) throw closedByCaller();
    this.#client ??= this.#start();
    return this.#client;
  }

  /** Starts the server if need be, and tells who it is and whether somebody is logged in. */
  async ready(): Promise<Readiness> {
    const client = await this.client();
    const { account, loginRequired } = await client.account();
    return { serverInfo: client.serverInfo, account, loginRequired };
  }

  /**
   * Answers the server's requests of one method, in their own shape, where no thread and no turn has a
   * handler; it goes before the handlers of the options, and outlives the server process. Returns
   * what takes it away again.
   */
  handle<M extends string>(method: M, handler: HandlerOf<M>): () => void {
    return this.#handlers.handle(method, handler);
  }

  /** The server's requests that have no answer yet, oldest first; none when no server runs. */
  pendingRequests(): PendingRequest[] {
    return this.#live?.pendingRequests() ?? [];
  }

  /**
   * Answers an open request, from anywhere: with what its handler would return, or with the result as
   * it is on the wire. A handler that is still at it is told by its signal.
   *
   * @param key of the request. Its `requestId` will not do: a server that was restarted counts from
   * zero again, and an old answer must not approve a new command.
   * @throws RequestNotPendingError when it is not open any more; InvalidArgumentError when this is no
   * answer to it, which leaves it open.
   */
  respond(key: string, answer: RequestAnswer): void {
    if (typeof key !== "string") {
      throw new InvalidArgumentError("key", "must be the key of the request, not its requestId");
    }
    const isPending = this.pendingRequests().some((request) => request.key === key);
    if (!this.#live || !isPending) throw new RequestNotPendingError(key);
    this.#live.respond(key, answer);
  }

  /** Ends the server process. Resolves when it is gone; never rejects; no call works afterwards. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  protected override async connect(): Promise<Host> {
    return (await this.client()).host;
  }

  #start(): Promise<AppServerClient> {
    const starting = AppServerClient.startWith(this.#options, this.#handlers);
    const forget = (): void => {
      if (this.#client !== starting) return;
      this.#client = undefined;
      this.#live = undefined;
    };
    starting.then((client) => {
      this.#live = client;
      // The signal is the first to tell of a loss: whoever calls upon hearing of it gets a new start.
      onAbort(client.signal, forget);
    }, forget);
    return starting;
  }

  async #close(): Promise<void> {
    this.#closed.abort(closedByCaller());
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }
}

function closedByCaller(): TransportClosedError {
  return new TransportClosedError({
    kind: "closed",
    exitCode: null,
    signal: null,
    stderrTail: "",
  });
}
