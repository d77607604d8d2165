import { RateLimitsHolder } from "./rate-limits-holder.js";
import { throwIfAborted } from "../async/abort.js";
import type { BacklogBudget } from "../async/backlog-budget.js";
import { Deferred } from "../async/deferred.js";
import type { Logger } from "../async/logger.js";
import { checkSignal } from "../errors/check-values.js";
import { isDrop, TransportClosedError, type CloseReason } from "../errors/connection-errors.js";
import { TurnDetachedError } from "../errors/turn-detached-error.js";
import type { TurnFollower } from "./turn-follower.js";
import type { ResolvedSettings } from "../options/options.js";
import type {
  ClientRequestMethod,
  ConnectionNotification,
  ParamsOf,
  ResultOf,
  ServerNotification,
  ServerNotificationMethod,
} from "../protocol.js";
import type { ServerFiles } from "../paths/server-files.js";
import { withServerPaths } from "../paths/with-server-paths.js";
import type { Answer, RequestOptions } from "../jsonrpc/connection.js";
import type { StopTurn } from "./recovery/threads-without-turns.js";
import { ThreadRecovery } from "./recovery/thread-recovery.js";
import type { Call } from "./call.js";
import { threadIdIn } from "../messages/id-of.js";
import type { ReconnectingConnection, Send } from "../jsonrpc/reconnecting-connection.js";
import type { NotificationMessage, RequestMessage } from "../jsonrpc/message.js";
import { NotificationHub } from "./notification-hub.js";
import type { NotificationListeners } from "./notification-listeners.js";
import { threadIdOf } from "../messages/message-ids.js";
import { isProgress } from "../messages/observed-notifications.js";
import { retryWhileOpen, type RetryOptions } from "../jsonrpc/retry.js";
import { ServerWarnings } from "./server-warnings.js";
import { SubagentTree } from "./subagent-tree.js";
import type { ThreadState } from "./thread-state.js";
import { Threads } from "./threads.js";
import { TurnRoutes } from "./turn-routes.js";
import { beforeSending } from "../jsonrpc/within-deadline.js";
import type { ClientHandlers } from "../server-requests/client-handlers.js";
import { RequestDispatcher } from "./requests/dispatcher.js";
import type { ThreadScopes } from "./requests/thread-scopes.js";
import { TurnCallers } from "./requests/turn-callers.js";
import type { AskedSettings } from "./sandbox/asked-settings.js";
import type { KnownSettings } from "./sandbox/known-settings.js";
import { listQueue, loadQuestions } from "./load-questions.js";
import { readParent } from "./read-parent.js";
import { resumeThread } from "./resume-thread.js";

interface SessionOptions {
  readonly connection: () => ReconnectingConnection;
  readonly known: KnownSettings;
  readonly scopes: ThreadScopes;
  readonly backlogs: BacklogBudget;
  /** Who listens to the notifications of this connection and of those after it. */
  readonly listeners: NotificationListeners | undefined;
  /** What the configuration that the server was started with says of threads. */
  readonly configured: AskedSettings;
  readonly serverFiles: ServerFiles;
  /** The file of the runtime that this client has started. */
  readonly runtimeFile: string | undefined;
  /** Whether other clients may be connected to the same server. */
  readonly shared: boolean;
  /** Whether the connection is replaced when it drops. */
  readonly replaceable: boolean;
  readonly stopTurn: StopTurn;
}

/**
 * Everything that is known of one connection while it lasts: which threads are loaded and busy, who
 * follows which turn, who answers which request. It learns from every message that passes.
 */
export class Session {
  readonly hub: NotificationHub;
  readonly requests: RequestDispatcher;
  /** How much may wait for all consumers together. */
  readonly backlogs: BacklogBudget;
  readonly turns: TurnRoutes<TurnFollower>;
  /** What this connection has heard of the rate limits so far. */
  readonly rateLimits = new RateLimitsHolder();
  /** Which threads are sub-agents, and whose. */
  readonly subagents = new SubagentTree();
  /** With which settings threads were last seen, by this connection or one before it. */
  readonly known: KnownSettings;
  /** The handlers and tools of threads. */
  readonly scopes: ThreadScopes;
  /** What the configuration that this client has given the server says of threads. */
  readonly configured: AskedSettings;
  /** How the server sees files. */
  readonly serverFiles: ServerFiles;
  /** The file of the runtime that this client has started; undefined for a server that is not its own. */
  readonly runtimeFile: string | undefined;
  readonly #threads = new Threads({
    listQueue: (threadId) => this.#listQueue(threadId),
    unsubscribed: (threadId) => {
      this.turns.abandon(threadId, () => new TurnDetachedError());
    },
  });
  readonly #callers = new TurnCallers(this.subagents);
  readonly #ended = new AbortController();
  readonly #closed = new Deferred<CloseReason>();
  readonly #settings: ResolvedSettings;
  readonly #connection: () => ReconnectingConnection;
  readonly #recovery: ThreadRecovery;
  readonly #warnings: ServerWarnings;
  /** Aborts when the connection of this moment is gone, replaced or not. */
  #connectionLife = new AbortController();

  constructor(settings: ResolvedSettings, handlers: ClientHandlers, options: SessionOptions) {
    this.#settings = settings;
    const { connection, known, scopes, configured, serverFiles, runtimeFile, ...rest } = options;
    const { backlogs, listeners, stopTurn, ...server } = rest;
    this.#connection = connection;
    this.backlogs = backlogs;
    this.turns = new TurnRoutes(backlogs);
    this.known = known;
    this.configured = configured;
    this.serverFiles = serverFiles;
    this.runtimeFile = runtimeFile;
    this.scopes = scopes;
    scopes.isLoaded = (threadId) => this.isLoaded(threadId);
    this.#warnings = new ServerWarnings(settings.logger);
    this.hub = new NotificationHub(settings.logger, backlogs, listeners);
    this.requests = new RequestDispatcher({
      turns: this.turns,
      threads: this.scopes,
      client: handlers,
      subagents: this.subagents,
      callers: this.#callers,
      isLoaded: (threadId) => this.isLoaded(threadId),
      untilOpened: (threadId) => this.#threads.find(threadId)?.opening,
      isMade: (threadId) => this.#threads.find(threadId)?.isMade ?? false,
      askParent: (threadId) => readParent((...args) => this.call(...args), threadId),
      logger: settings.logger,
      failed: (error, origin) => {
        settings.callbacks.failed(error, origin);
      },
      ...server,
    });
    const { turns, subagents } = this;
    this.#recovery = new ThreadRecovery({
      ...{ threads: this.#threads, turns, subagents, known, stopTurn },
      requests: this.requests.recovery,
      logger: settings.logger,
      on: (method, listener) => this.on(method, listener),
    });
  }

  /** Whether threads let the server trust their directory unless they say otherwise. */
  get trustProject(): boolean {
    return this.#settings.trustProject;
  }

  /** Whether experimental methods may be called. */
  get experimentalApi(): boolean {
    return this.#settings.experimentalApi;
  }

  /** Resolves, never rejects, when the connection is over. */
  get closed(): Promise<CloseReason> {
    return this.#closed.promise;
  }

  /** Aborts when the connection is over; its reason is a TransportClosedError. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /**
   * The same for the connection of this moment alone: it also aborts when that one drops and another
   * takes its place, for what the server ends with the connection it came from, such as commands.
   */
  get connectionSignal(): AbortSignal {
    return this.#connectionLife.signal;
  }

  /** The library's own remarks; never params or values. */
  get logger(): Required<Logger> {
    return this.#settings.logger;
  }

  receive(message: NotificationMessage): void {
    // Of these there are by far the most, and a client may opt out of them: nobody learns from them.
    if (!isProgress(message.method)) this.#learn(message);
    this.turns.route(message);
    this.hub.publish(message);
  }

  answer(message: RequestMessage): Promise<Answer | undefined> {
    return this.requests.receive(message);
  }

  /** The connection is gone, and another one is to take its place. */
  dropped(reason: CloseReason): void {
    this.turns.dropped(() => new TransportClosedError(reason, "the turn"));
    this.requests.recovery.dropped(() => new TransportClosedError(reason));
    const lost = this.#connectionLife;
    this.#connectionLife = new AbortController();
    lost.abort(new TransportClosedError(reason));
    this.#tell("connection/dropped", { reason });
  }

  /** So is one that was to take its place: there is a hole behind what it brought. */
  droppedAgain(reason: CloseReason): void {
    this.turns.dropped();
    this.requests.recovery.dropped(() => new TransportClosedError(reason));
  }

  /** Brings the threads back over a new connection. @throws TransportClosedError, RequestTimeoutError */
  restore(send: Send): Promise<void> {
    // Nobody else would repeat what a server refuses that has just started, and is too busy.
    const retry = this.#settings.retryOnOverload ?? {};
    return this.#recovery.run((method, params, options) =>
      this.#exchange(method, params, options, { send, retry }),
    );
  }

  /** The new connection has taken the place of the old one. */
  restored(): void {
    const lostThreadIds = this.#recovery.takeLost();
    this.#callers.restored((threadId) => this.#threads.find(threadId)?.slots.isRunning ?? false);
    this.#tell("connection/restored", { lostThreadIds });
    this.turns.restored(new Set(lostThreadIds));
  }

  /** The connection is over. */
  end(reason: CloseReason): void {
    // First of all, so that nobody who is told of the loss still takes the connection for a live one.
    this.#ended.abort(new TransportClosedError(reason));
    this.#connectionLife.abort(new TransportClosedError(reason));
    this.requests.close(() => new TransportClosedError(reason));
    this.turns.close(() => new TransportClosedError(reason, "the turn"));
    this.#threads.close();
    this.hub.close(reason);
    this.#closed.resolve(reason);
  }

  /**
   * Resolves at once, unless the connection was dropped and is being restored: then when it works
   * again, its threads resumed. Rejects with a TransportClosedError when it is over.
   */
  available(): Promise<void> {
    return this.#connection().available();
  }

  /** Calls `listener` for each notification of one method, in wire order, until it is stopped. */
  on<M extends ServerNotificationMethod>(
    method: M,
    listener: (notification: ServerNotification<M>) => void,
  ): () => void {
    return this.hub.on(method, listener as (message: NotificationMessage) => void);
  }

  /**
   * Sends a request with all its paths as the server is to get them (see `toServerPath`). While the
   * connection is being restored, it waits for that, within its deadline.
   */
  async call<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options?: RequestOptions,
  ): Promise<ResultOf<M>> {
    return this.request(method, withServerPaths(method, params, this.serverFiles), options);
  }

  /** The same, with the params as they are. */
  async request<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options: RequestOptions = {},
  ): Promise<ResultOf<M>> {
    // Before anything that takes time, or that is sent on the way to this request.
    checkSignal(options.signal);
    throwIfAborted(options.signal);
    const connection = this.#connection();
    // What is learnt from a request holds from when it is sent, so it waits before that.
    const left = connection.isDown ? await connection.untilUp(method, options) : options;
    const threadId = this.#recovery.unstored.named(params);
    if (threadId !== undefined) {
      await beforeSending(method, this.#recovery.unstored.before(this, threadId, method));
    }
    const send: Send = (...args) => connection.request(...args);
    const { retryOnOverload: retry } = this.#settings;
    const result = await this.#exchange(method, params, left, { send, retry });
    if (threadId !== undefined) {
      await this.#recovery.unstored.after(this, { threadId, method, answer: result });
    }
    return result;
  }

  /** Makes sure that the thread is loaded and that this connection gets its events. */
  async load(threadId: string): Promise<void> {
    const resume = () => resumeThread(this, { threadId, excludeTurns: true });
    for (;;) {
      await this.available();
      try {
        await this.thread(threadId).ensureLoaded(resume);
        // The server may start a turn for what was left to do on the thread.
        const { settled } = this.thread(threadId).load;
        if (settled) await settled;
        return;
      } catch (error) {
        // To resume a thread twice does no harm.
        if (!isDrop(error)) throw error;
      }
    }
  }

  /** What is known of the thread. Ask again after a pause: it may have been forgotten. */
  thread(threadId: string): ThreadState {
    return this.#threads.open(threadId);
  }

  /** The ids of the threads on which the server runs a turn, as far as is known. */
  runningThreads(): readonly string[] {
    return this.#threads.idsOf(({ slots }) => slots.isRunning);
  }

  /** Whether the thread is loaded, and this connection gets its events. */
  isLoaded(threadId: string): boolean {
    return this.#threads.find(threadId)?.isLoaded ?? false;
  }

  /** What the server asks on the thread waits until `opened` has resolved. */
  holdRequests(threadId: string, opened: Promise<void>): void {
    this.thread(threadId).holdRequests(opened);
  }

  /** The server no longer has the thread loaded, whatever was known before. */
  unload(threadId: string): void {
    this.#threads.find(threadId)?.unload();
  }

  /** Whether the server waits for an answer to a request of this turn, or of one of its sub-agents. */
  isAsked(threadId: string, turnId: string): boolean {
    return this.requests.pending().some((request) => {
      if (request.threadId === threadId) return request.turnId === turnId;
      return request.threadId !== undefined && this.subagents.isBelow(request.threadId, threadId);
    });
  }

  #learn(message: NotificationMessage): void {
    this.subagents.observe(message);
    this.requests.observe(message);
    this.known.observe(message);
    this.#callers.observe(message);
    const threadId = threadIdOf(message);
    if (threadId !== undefined) {
      this.#threads.open(threadId).observe(message);
      this.#threads.tidy(threadId);
    }
    this.rateLimits.observe(message);
    this.#warnings.observe(message);
  }

  /** Sends a request, and learns from it and from its answer. */
  async #exchange<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options: RequestOptions = {},
    { send, retry }: { send: Send; retry: RetryOptions | undefined },
  ): Promise<ResultOf<M>> {
    const request = () => send(method, params, options);
    const threadId = threadIdIn(params);
    const known = this.known.of(threadId ?? "");
    const thread = threadId === undefined ? undefined : this.thread(threadId);
    const begins = method === "turn/start" && thread?.slots.isRunning === false;
    const settled = thread?.asked(method, params);
    const attributed = this.#callers.asked(method, params);
    const loaded = method === "thread/resume" ? this.#loading(params, send) : undefined;
    try {
      const signals = { signal: options.signal, closed: this.signal };
      const result = await (retry ? retryWhileOpen(method, request, retry, signals) : request());
      this.#opened(method, result);
      settled?.(result);
      this.known.answered(method, params, result, known);
      if (begins) this.known.begun(params, { isTold: this.#settings.experimentalApi });
      attributed(result);
      loaded?.(true, statusIn(result));
      this.rateLimits.answered(method, result);
      return result as ResultOf<M>;
    } catch (error) {
      settled?.();
      attributed();
      loaded?.(false);
      throw error;
    } finally {
      if (threadId !== undefined) this.#threads.tidy(threadId);
    }
  }

  /** Learns which thread an answer has opened. */
  #opened(method: string, answer: unknown): void {
    if (!opensThread(method)) return;
    const { thread } = (answer ?? {}) as { thread?: { id?: unknown } | null };
    if (typeof thread?.id !== "string") return;
    const isActive = statusIn(answer) === "active";
    this.thread(thread.id).opened({ made: method !== "thread/resume", isActive });
  }

  /** What the server cannot tell. */
  #tell(method: ConnectionNotification["method"], params: object): void {
    this.hub.publish({ method, params, emittedAtMs: Date.now() });
  }

  async #listQueue(threadId: string): Promise<readonly string[] | undefined> {
    if (!this.#settings.experimentalApi) return undefined;
    // The time that the answer may take does not begin while the connection is away.
    await this.available();
    return listQueue((...args) => this.call(...args), threadId);
  }

  /** Finds out whether the server will start a turn when it loads the thread. */
  #loading(params: unknown, send: Send): (isLoaded: boolean, status?: unknown) => void {
    const threadId = threadIdIn(params);
    if (threadId === undefined) return () => undefined;
    const call: Call = (method, question, options) =>
      this.#exchange(method, question, options, { send, retry: undefined });
    return this.thread(threadId).load.loading(loadQuestions(call, threadId, this.#settings));
  }
}

/** Gives the session of this moment; starts one when there is none. */
export type GetSession = () => Promise<Session>;

function opensThread(method: string): boolean {
  return method === "thread/start" || method === "thread/resume" || method === "thread/fork";
}

/** The type of the status of a thread that was loaded. */
function statusIn(answer: unknown): unknown {
  return (answer as { thread?: { status?: { type?: unknown } | null } | null } | null)?.thread
    ?.status?.type;
}
