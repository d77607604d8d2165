import type { Account } from "../generated/types.js";
import { onAbort } from "./async/abort.js";
import { AppServerClient } from "./client.js";
import { TransportClosedError } from "./errors/connection-errors.js";
import { resolveSettings, type AppServerClientOptions } from "./options.js";
import type { ServerInfo } from "./rpc/server-info.js";
import { checkLaunchOptions } from "./runtime/check-launch-options.js";
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
  #client: Promise<AppServerClient> | undefined;
  #closing: Promise<void> | undefined;

  /** Starts nothing. @throws InvalidArgumentError for an option that cannot work. */
  constructor(options: CodexOptions = {}) {
    super();
    resolveSettings(options);
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
    const { account, requiresOpenaiAuth } = await client.request("account/read", {});
    return {
      serverInfo: client.serverInfo,
      account,
      loginRequired: requiresOpenaiAuth && account === null,
    };
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
    const starting = AppServerClient.start(this.#options);
    const forget = (): void => {
      if (this.#client === starting) this.#client = undefined;
    };
    // The signal is the first to tell of a loss: whoever calls upon hearing of it gets a new start.
    starting.then((client) => onAbort(client.signal, forget), forget);
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
