import type { Redis } from "ioredis";
import { Deferred } from "../../../async/deferred.js";
import { settleWithin } from "../../../async/timers.js";
import { StoreUnavailableError } from "../../../index.js";
import { News } from "../news.js";
import { loadIoredis, type RedisClass } from "./load-ioredis.js";
import { isIoredisInstance } from "./redis-options.js";
import type { RedisScript } from "./redis-script.js";

export interface RedisConnectionOptions {
  readonly target: string | object;
  readonly callTimeoutMs: number;
  /** What the channels of news begin with. */
  readonly channelPrefix: string;
}

/** How long `close()` waits for calls that were begun before it (ms). */
const lastCallsMs = 1_000;

/** The longest pause between two attempts to connect (ms). */
const maxRetryPauseMs = 1_000;

/**
 * The two connections of a store: one for scripts, and one that hears of news, made when somebody waits for some. Both
 * connect again by themselves, for ever. A script is never sent twice: when the connection is lost under it, its call
 * rejects.
 */
export class RedisConnection {
  readonly news: News;
  readonly #options: RedisConnectionOptions;
  #main: Promise<Redis> | undefined;
  #subscriber: Promise<Redis> | undefined;
  #turnsReady: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RedisConnectionOptions) {
    this.#options = options;
    this.news = new News({
      listen: (topics) => this.#listen(topics),
      unlisten: (topics) => this.#unlisten(topics),
    });
  }

  /** Runs a script. @throws StoreUnavailableError, MissingDependencyError */
  async run(
    { lua, hash }: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const client = await this.#connected();
    try {
      return await client.evalsha(hash, keys.length, ...keys, ...args);
    } catch (error) {
      if (!isUnknownScript(error)) throw unavailable(error);
    }
    try {
      return await client.eval(lua, keys.length, ...keys, ...args);
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Ends both connections. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #connected(): Promise<Redis> {
    if (this.#closing) throw closed();
    this.#main ??= this.#open();
    const client = await this.#main;
    if (statusOf(client) === "ready") return client;
    this.#turnsReady ??= this.#untilReady(client);
    await settleWithin(this.#turnsReady, this.#options.callTimeoutMs);
    if (statusOf(client) === "ready") return client;
    if (statusOf(client) === "end") throw closed();
    throw new StoreUnavailableError(
      `could not be reached within ${this.#options.callTimeoutMs} ms. Check that it runs, and its address.`,
      false,
    );
  }

  /** Resolves when the client is ready, or ends; for all calls that wait for it. */
  async #untilReady(client: Redis): Promise<void> {
    await readyOrEnded(client);
    this.#turnsReady = undefined;
  }

  async #open(): Promise<Redis> {
    const Client = await loadIoredis();
    const { target, callTimeoutMs } = this.#options;
    const forClient: ClientOptions = {
      // A call that cannot be sent now must not be sent later, when nobody waits for it any more; and one that was
      // sent must not be sent twice.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: callTimeoutMs,
      connectTimeout: callTimeoutMs,
      autoResubscribe: false,
      lazyConnect: false,
      retryStrategy,
      // A replica that was a master: the next connection finds the new one.
      reconnectOnError: (error: Error) => codeOf(error) === "READONLY",
    };
    const client = newClient(Client, target, forClient);
    // What is wrong is told by the calls that it fails.
    client.on("error", () => undefined);
    return client;
  }

  async #listen(topics: readonly string[]): Promise<boolean> {
    if (this.#closing) return false;
    this.#subscriber ??= this.#openSubscriber();
    const subscriber = await this.#subscriber;
    // Whatever is listened to is asked for again when the connection is there.
    if (subscriber.status !== "ready") return false;
    try {
      await subscriber.subscribe(...topics.map((topic) => this.#channelOf(topic)));
      return true;
    } catch (error) {
      if (isRefusal(error)) throw unavailable(error);
      // A Redis that does not answer: the next connection asks again.
      if (statusOf(subscriber) === "ready") subscriber.disconnect(true);
      return false;
    }
  }

  async #unlisten(topics: readonly string[]): Promise<void> {
    const subscriber = await this.#subscriber;
    if (subscriber?.status !== "ready") return;
    const channels = topics.map((topic) => this.#channelOf(topic));
    await subscriber.unsubscribe(...channels).catch(() => undefined);
  }

  async #openSubscriber(): Promise<Redis> {
    const subscriber = await this.#open();
    const { length } = this.#channelOf("");
    subscriber.on("message", (channel) => {
      this.news.arrived(channel.slice(length));
    });
    subscriber.on("close", () => {
      this.news.lost();
    });
    subscriber.on("ready", () => {
      this.news.restored().catch(() => {
        subscriber.disconnect(true);
      });
    });
    return subscriber;
  }

  #channelOf(topic: string): string {
    return `${this.#options.channelPrefix}:${topic}`;
  }

  async #close(): Promise<void> {
    this.news.close();
    const opened = [this.#main, this.#subscriber].map((opening) => opening?.catch(() => undefined));
    await Promise.all(opened.map(async (opening) => endClient(await opening)));
  }
}

type ClientOptions = Readonly<Record<string, unknown>>;

/** What is used of an instance of ioredis. */
interface Duplicable {
  readonly isCluster?: boolean;
  duplicate(...args: unknown[]): Redis;
}

function newClient(ioredis: RedisClass, target: string | object, forClient: ClientOptions): Redis {
  const Client = ioredis as unknown as new (...args: unknown[]) => Redis;
  if (typeof target === "string") return new Client(target, forClient);
  if (!isIoredisInstance(target)) return new Client({ ...target, ...forClient });
  const instance = target as unknown as Duplicable;
  if (!instance.isCluster) return instance.duplicate(forClient);
  const { redisOptions } = target.options as { redisOptions?: object };
  const { enableOfflineQueue, lazyConnect, retryStrategy: clusterRetryStrategy } = forClient;
  // A cluster connects to its nodes again itself, and finds who is the master of what.
  const own = { lazyConnect: undefined, retryStrategy: undefined, reconnectOnError: undefined };
  const forNodes = { ...redisOptions, ...forClient, ...own };
  const rest = { enableOfflineQueue, lazyConnect, clusterRetryStrategy };
  return instance.duplicate([], { ...rest, redisOptions: forNodes });
}

async function readyOrEnded(client: Redis): Promise<void> {
  const over = new Deferred<void>();
  const settle = (): void => {
    over.resolve();
  };
  client.once("ready", settle);
  client.once("end", settle);
  await over.promise;
  client.off("ready", settle);
  client.off("end", settle);
}

async function endClient(client: Redis | undefined): Promise<void> {
  if (!client || client.status === "end") return;
  const ended = new Promise<void>((resolve) => {
    client.once("end", resolve);
  });
  // A Cluster that is ended while it connects leaves a timer behind.
  if ((client as { isCluster?: boolean }).isCluster && statusOf(client).startsWith("connect")) {
    await settleWithin(readyOrEnded(client), lastCallsMs);
  }
  // Behind the calls that are under way.
  if (client.status === "ready")
    await settleWithin(
      client.quit().catch(() => undefined),
      lastCallsMs,
    );
  const hasSocket = statusOf(client) !== "reconnecting";
  client.disconnect();
  if (hasSocket) await settleWithin(ended, lastCallsMs);
}

/** What a client is doing, which changes while it is waited for. */
function statusOf(client: Redis): string {
  return client.status;
}

function retryStrategy(attempt: number): number {
  return Math.min(50 * attempt, maxRetryPauseMs);
}

function isUnknownScript(error: unknown): boolean {
  return isRefusal(error) && codeOf(error) === "NOSCRIPT";
}

/** The word in capitals that an error of Redis begins with. */
function codeOf({ message }: Error): string | undefined {
  return /^[A-Z]+/.exec(message)?.[0];
}

/** Whether Redis itself has answered with an error. */
function isRefusal(error: unknown): error is Error {
  return (error as Partial<Error> | undefined)?.name === "ReplyError";
}

function unavailable(error: unknown): StoreUnavailableError {
  const problem = isRefusal(error)
    ? "refused the call. The cause has its words."
    : "did not answer: the connection was lost, or it took too long. Try again.";
  return new StoreUnavailableError(problem, true, { cause: error });
}

function closed(): StoreUnavailableError {
  return new StoreUnavailableError(
    "is not used any more: the store is closed. Make another.",
    false,
  );
}
