import { RateLimitsHolder } from "./account/rate-limits-holder.js";
import { onAbort } from "./async/abort.js";
import { Deferred } from "./async/deferred.js";
import { TransportClosedError, type CloseReason } from "./errors/connection-errors.js";
import { TurnDetachedError } from "./errors/turn-errors.js";
import type { Host, TurnFollower } from "./host.js";
import type { ResolvedSettings } from "./options.js";
import type {
  ClientRequestMethod,
  ParamsOf,
  ResultOf,
  ServerNotification,
  ServerNotificationMethod,
} from "./protocol.js";
import type { Answer, RequestOptions } from "./rpc/connection.js";
import { LoadedThreads } from "./rpc/loaded-threads.js";
import type { NotificationMessage, RequestMessage } from "./rpc/message.js";
import { NotificationHub } from "./rpc/notification-hub.js";
import { QueueWatch } from "./rpc/queue-watch.js";
import { retryOnOverload, type RetryOptions } from "./rpc/retry.js";
import { SubagentTree } from "./rpc/subagent-tree.js";
import { ThreadGate } from "./rpc/thread-gate.js";
import { TurnRoutes } from "./rpc/turn-routes.js";
import type { ClientHandlers } from "./server-requests/client-handlers.js";
import { RequestDispatcher } from "./server-requests/dispatcher.js";
import { ThreadScopes } from "./server-requests/thread-scopes.js";
import { resumeThread } from "./threads/thread-resume.js";

type Send = (method: string, params: unknown, options: RequestOptions) => Promise<unknown>;

/**
 * Everything that is known of one connection while it lasts: which threads are loaded and busy, who
 * follows which turn, who answers which request. It learns from every message that passes.
 */
export class Session implements Host {
  readonly hub: NotificationHub;
  readonly requests: RequestDispatcher;
  readonly gate = new ThreadGate();
  readonly turns = new TurnRoutes<TurnFollower>();
  readonly rateLimits = new RateLimitsHolder();
  readonly subagents = new SubagentTree();
  readonly scopes = new ThreadScopes((threadId) => this.isLoaded(threadId));
  readonly #loaded = new LoadedThreads(this.gate, (threadId) => {
    this.turns.abandon(threadId, () => new TurnDetachedError());
  });
  readonly #queues = new QueueWatch(this.gate, (threadId) => this.#listQueue(threadId));
  readonly #ended = new AbortController();
  readonly #closed = new Deferred<CloseReason>();
  readonly #settings: ResolvedSettings;
  readonly #send: Send;

  constructor(settings: ResolvedSettings, handlers: ClientHandlers, send: Send) {
    this.#settings = settings;
    this.#send = send;
    this.hub = new NotificationHub(settings.logger);
    this.requests = new RequestDispatcher({
      turns: this.turns,
      threads: this.scopes,
      client: handlers,
      subagents: this.subagents,
      isLoaded: (threadId) => this.isLoaded(threadId),
      askParent: (threadId) => this.#askParent(threadId),
      logger: settings.logger,
    });
  }

  get closed(): Promise<CloseReason> {
    return this.#closed.promise;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  receive(message: NotificationMessage): void {
    this.subagents.observe(message);
    this.requests.observe(message);
    this.#loaded.observe(message);
    this.#queues.observe(message);
    this.gate.observe(message);
    this.rateLimits.observe(message);
    this.turns.route(message);
    this.hub.publish(message);
  }

  answer(message: RequestMessage): Promise<Answer | undefined> {
    return this.requests.receive(message);
  }

  /** The connection is over. */
  end(reason: CloseReason): void {
    // First of all, so that nobody who is told of the loss still takes the connection for a live one.
    this.#ended.abort(new TransportClosedError(reason));
    this.requests.close(() => new TransportClosedError(reason));
    this.turns.close(() => new TransportClosedError(reason, "the turn"));
    this.#queues.close();
    this.gate.close();
    this.hub.close(reason);
    this.#closed.resolve(reason);
  }

  /** A connection over pipes is never restored: it works, or it is over. */
  available(): Promise<void> {
    return this.signal.aborted
      ? Promise.reject(this.signal.reason as TransportClosedError)
      : Promise.resolve();
  }

  on<M extends ServerNotificationMethod>(
    method: M,
    listener: (notification: ServerNotification<M>) => void,
  ): () => void {
    return this.hub.on(method, listener as (message: NotificationMessage) => void);
  }

  async call<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options: RequestOptions = {},
  ): Promise<ResultOf<M>> {
    const { retryOnOverload: retry } = this.#settings;
    const send = () => this.#send(method, params, options);
    const refused = this.#loaded.asked(method, params);
    const settled = this.#queues.asked(method, params);
    try {
      const result = await (retry ? this.#retrying(method, send, retry, options.signal) : send());
      this.#loaded.answered(method, params, result);
      settled(result);
      this.rateLimits.answered(method, result);
      return result as ResultOf<M>;
    } catch (error) {
      refused();
      settled();
      throw error;
    }
  }

  load(threadId: string): Promise<void> {
    const resume = () => resumeThread(this, { threadId, excludeTurns: true });
    return this.#loaded.ensure(threadId, resume);
  }

  isLoaded(threadId: string): boolean {
    return this.#loaded.has(threadId);
  }

  unload(threadId: string): void {
    this.#loaded.delete(threadId);
  }

  /** The ids of all that is queued, 100 being the most that the server keeps for a thread. */
  async #listQueue(threadId: string): Promise<string[]> {
    if (!this.#settings.experimentalApi) return [];
    const { data } = await this.call("thread/queue/list", { threadId, limit: 100 });
    return data.map(({ id }) => id);
  }

  /** What it does not answer within 10 s is not waited for: an approval may depend on it. */
  async #askParent(threadId: string): Promise<string | null | undefined> {
    try {
      const { thread } = await this.call("thread/read", { threadId }, { timeoutMs: 10_000 });
      return thread.parentThreadId;
    } catch {
      return undefined;
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
}
