import type { Pool, PoolClient } from "pg";
import { onDeadline } from "../../../async/deadline.js";
import { pause, settleWithin } from "../../../async/timers.js";
import type { Undo } from "../../../async/undo.js";
import { MissingDependencyError, StoreUnavailableError } from "../../../index.js";
import type { News } from "../news.js";
import { clientConfig, type ClientConfigOptions } from "./client-config.js";
import { dropConnection } from "./drop-connection.js";
import { loadPg } from "./load-pg.js";
import { migrate } from "./migrate.js";
import { PostgresListener } from "./postgres-listener.js";

export interface PostgresConnectionOptions extends ClientConfigOptions {
  readonly maxConnections: number;
}

/** How long it waits before it tries to connect again (ms). */
const retryMs = 100;

/** How often what has expired is deleted (ms), and how much of it at a time. */
const sweepMs = 60_000;
const sweepMost = 500;

/** How long `close()` waits for calls that were begun before it (ms). */
const lastCallsMs = 1_000;

/** The connections of a store: some for calls, and one that hears of news, made when somebody waits for some. */
export class PostgresConnection {
  readonly news: News;
  readonly #options: PostgresConnectionOptions;
  readonly #listener: PostgresListener;
  readonly #over = new AbortController();
  /** The connections of the pool that have not ended. */
  readonly #clients = new Set<PoolClient>();
  #pool: Promise<Pool> | undefined;
  #migrated: Promise<void> | undefined;
  #sweep: Undo | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: PostgresConnectionOptions) {
    this.#options = options;
    this.#listener = new PostgresListener(clientConfig(options), options.schema);
    this.news = this.#listener.news;
  }

  /** Runs one statement, and gives its rows. @throws StoreUnavailableError, MissingDependencyError */
  async query<Row extends object>(
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    const client = await this.#connected();
    let failure: Error | undefined;
    try {
      const { rows } = await client.query<Row>(text, [...values]);
      return rows;
    } catch (error) {
      failure = error as Error;
      throw unavailable(error, true);
    } finally {
      // One that has failed may be half dead.
      client.release(failure !== undefined && !isRefusal(failure));
    }
  }

  /** Calls a function of the schema, and gives what it gives. */
  async call<Value>(name: string, values: readonly unknown[]): Promise<Value | null> {
    const places = values.map((_value, index) => `$${index + 1}`).join(", ");
    const rows = await this.query<{ value: Value | null }>(
      `select ${name}(${places}) as value`,
      values,
    );
    return rows[0]?.value ?? null;
  }

  /** The channel under which news of a topic come. */
  channelOf(topic: string): string {
    return this.#listener.channelOf(topic);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** A connection whose schema is as it has to be. Tries until the time is up. */
  async #connected(): Promise<PoolClient> {
    const until = performance.now() + this.#options.callTimeoutMs;
    for (;;) {
      if (this.#closing) throw closed();
      try {
        return await this.#connectOnce();
      } catch (error) {
        if (error instanceof MissingDependencyError || error instanceof StoreUnavailableError) {
          throw error;
        }
        if (this.#over.signal.aborted) throw closed();
        if (performance.now() >= until || isRefusalForGood(error)) throw unavailable(error, false);
        await pause(retryMs, this.#over.signal).catch(() => undefined);
      }
    }
  }

  async #connectOnce(): Promise<PoolClient> {
    this.#pool ??= this.#openPool();
    const client = await (await this.#pool).connect();
    try {
      this.#migrated ??= migrate(client, this.#options.schema);
      await this.#migrated;
    } catch (error) {
      this.#migrated = undefined;
      client.release(true);
      throw error;
    }
    this.#sweep ??= this.#sweepLater();
    return client;
  }

  async #openPool(): Promise<Pool> {
    const { Pool: PoolClass } = await loadPg();
    const { maxConnections: max } = this.#options;
    const pool = new PoolClass({ ...clientConfig(this.#options), max });
    // What is wrong is told by the calls that it fails.
    pool.on("error", () => undefined);
    // The pool hears of the errors of those that are idle only.
    pool.on("connect", (client) => {
      client.on("error", () => undefined);
      this.#clients.add(client);
      client.once("end", () => this.#clients.delete(client));
    });
    return pool;
  }

  #sweepLater(): Undo {
    const sweep = (): void => {
      this.#sweep = undefined;
      // Whoever comes next sweeps again.
      this.call("sweep", [sweepMost]).catch(() => undefined);
    };
    return onDeadline(sweepMs, sweep, { unref: true });
  }

  async #close(): Promise<void> {
    this.news.close();
    this.#sweep?.();
    const listening = this.#listener.close();
    const pool = await this.#pool?.catch(() => undefined);
    if (pool) await settleWithin(pool.end(), lastCallsMs);
    // Those of a server that says nothing any more.
    for (const client of this.#clients) dropConnection(client);
    this.#over.abort();
    await listening;
  }
}

/** Whether PostgreSQL itself has answered with an error, and the connection is as good as before. */
function isRefusal(error: unknown): boolean {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === "string" && severity === "ERROR" && !code.startsWith("57P");
}

/** Whether another attempt to connect cannot succeed: the password is wrong, or there is no such database. */
function isRefusalForGood(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && /^(28|3D|42|3F|0A)[0-9A-Z]{3}$/.test(code);
}

function unavailable(error: unknown, sent: boolean): StoreUnavailableError {
  const problem = isRefusal(error)
    ? "refused the call. The cause has its words."
    : sent
      ? "did not answer: the connection was lost, or it took too long. Try again."
      : "could not be reached in time. Check that it runs, its address, and the login.";
  return new StoreUnavailableError(problem, sent, { cause: error });
}

function closed(): StoreUnavailableError {
  return new StoreUnavailableError(
    "is not used any more: the store is closed. Make another.",
    false,
  );
}
