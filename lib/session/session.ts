import type { BacklogBudget } from "../async/backlog-budget.js";
import { Deferred } from "../async/deferred.js";
import type { Logger } from "../async/logger.js";
import { isDrop, TransportClosedError, type CloseReason } from "../errors/connection-errors.js";
import type { Answer, RequestOptions } from "../jsonrpc/connection.js";
import type { NotificationMessage, RequestMessage } from "../jsonrpc/message.js";
import type { ReconnectingConnection, Send } from "../jsonrpc/reconnecting-connection.js";
import { isProgress } from "../messages/observed-notifications.js";
import type { ResolvedSettings } from "../options/options.js";
import type { ServerFiles } from "../paths/server-files.js";
import { withServerPaths } from "../paths/with-server-paths.js";
import type {
  ClientRequestMethod,
  ConnectionNotification,
  ParamsOf,
  ResultOf,
  ServerNotification,
  ServerNotificationMethod,
} from "../protocol.js";
import type { ClientHandlers } from "../server-requests/client-handlers.js";
import { ClientRequests } from "./client-requests.js";
import { listQueue } from "./load-watch.js";
import { NotificationHub } from "./notification-hub.js";
import type { NotificationListeners } from "./notification-listeners.js";
import { RateLimitsHolder } from "./rate-limits-holder.js";
import { ThreadRecovery } from "./recovery/thread-recovery.js";
import { ThreadsWithoutTurns, type StopTurn } from "./recovery/threads-without-turns.js";
import { RequestDispatcher } from "./requests/dispatcher.js";
import { resumeThread } from "./resume-thread.js";
import type { AskedSettings } from "./sandbox/hold-to-settings.js";
import { ServerWarnings } from "./server-warnings.js";
import { SubagentTree } from "./subagent-tree.js";
import type { ThreadMemory } from "./thread-memory.js";
import type { ThreadState } from "./thread-state.js";
import { Threads } from "./threads.js";
import { TurnRoutes } from "./turn-routes.js";

interface SessionOptions {
  readonly connection: () => ReconnectingConnection;
  readonly memory: ThreadMemory;
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
  readonly threads: Threads;
  readonly turns: TurnRoutes;
  /** How much may wait for all consumers together. */
  readonly backlogs: BacklogBudget;
  /** What this connection has heard of the rate limits so far. */
  readonly rateLimits = new RateLimitsHolder();
  /** What this connection, or one before it, has learnt of threads. */
  readonly memory: ThreadMemory;
  /** What the configuration that this client has given the server says of threads. */
  readonly configured: AskedSettings;
  /** How the server sees files. */
  readonly serverFiles: ServerFiles;
  /** The file of the runtime that this client has started; undefined for a server that is not its own. */
  readonly runtimeFile: string | undefined;
  readonly #ended = new AbortController();
  readonly #closed = new Deferred<CloseReason>();
  readonly #settings: ResolvedSettings;
  readonly #connection: () => ReconnectingConnection;
  readonly #subagents: SubagentTree;
  readonly #clientRequests: ClientRequests;
  readonly #recovery: ThreadRecovery;
  readonly #warnings: ServerWarnings;
  /** Aborts when the connection of this moment is gone, replaced or not. */
  #connectionLife = new AbortController();

  constructor(settings: ResolvedSettings, client: ClientHandlers, options: SessionOptions) {
    const { connection, memory, backlogs, shared, replaceable } = options;
    const { logger, callbacks } = settings;
    this.#settings = settings;
    this.#connection = connection;
    this.backlogs = backlogs;
    this.memory = memory;
    this.configured = options.configured;
    this.serverFiles = options.serverFiles;
    this.runtimeFile = options.runtimeFile;
    memory.isLoaded = (threadId) => this.isLoaded(threadId);
    this.hub = new NotificationHub(logger, backlogs, options.listeners);
    this.#warnings = new ServerWarnings(logger);
    const threads = new Threads((threadId) => this.#listQueue(threadId));
    const turns = new TurnRoutes(threads, backlogs);
    const subagents = new SubagentTree(threads, (...args) => this.call(...args));
    this.threads = threads;
    this.turns = turns;
    this.#subagents = subagents;
    this.requests = new RequestDispatcher({
      ...{ threads, turns, subagents, memory, client, shared, replaceable, logger, callbacks },
    });
    this.#recovery = new ThreadRecovery(this, subagents);
    this.#clientRequests = new ClientRequests(settings, {
      ...{ connection, threads, memory, rateLimits: this.rateLimits, closed: this.signal },
      threadsWithoutTurns: new ThreadsWithoutTurns(this, options.stopTurn),
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
    this.turns.dropped(new TransportClosedError(reason, "the turn"));
    this.requests.recovery.dropped(new TransportClosedError(reason));
    const lost = this.#connectionLife;
    this.#connectionLife = new AbortController();
    lost.abort(new TransportClosedError(reason));
    this.#tell("connection/dropped", { reason });
  }

  /** So is one that was to take its place: there is a hole behind what it brought. */
  droppedAgain(reason: CloseReason): void {
    this.turns.dropped();
    this.requests.recovery.dropped(new TransportClosedError(reason));
  }

  /** Brings the threads back over a new connection. @throws TransportClosedError, RequestTimeoutError */
  restore(send: Send): Promise<void> {
    return this.#recovery.run(this.#clientRequests.over(send));
  }

  /** The new connection has taken the place of the old one. */
  restored(): void {
    const lostThreadIds = this.#recovery.takeLost();
    this.threads.restored();
    this.#tell("connection/restored", { lostThreadIds });
    this.turns.restored(new Set(lostThreadIds));
  }

  /** The connection is over. */
  end(reason: CloseReason): void {
    // First of all, so that nobody who is told of the loss still takes the connection for a live one.
    this.#ended.abort(new TransportClosedError(reason));
    this.#connectionLife.abort(new TransportClosedError(reason));
    this.requests.close(new TransportClosedError(reason));
    this.turns.close(new TransportClosedError(reason, "the turn"));
    this.threads.close();
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
  request<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options?: RequestOptions,
  ): Promise<ResultOf<M>> {
    return this.#clientRequests.request(method, params, options);
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
    return this.threads.open(threadId);
  }

  /** The ids of the threads on which the server runs a turn, as far as is known. */
  runningThreads(): readonly string[] {
    return this.threads.idsOf(({ slots }) => slots.isRunning);
  }

  /** Whether the thread is loaded, and this connection gets its events. */
  isLoaded(threadId: string): boolean {
    return this.threads.find(threadId)?.isLoaded ?? false;
  }

  /** The server no longer has the thread loaded, whatever was known before. */
  unload(threadId: string): void {
    this.threads.find(threadId)?.unload();
  }

  /** Whether the server waits for an answer to a request of this turn, or of one of its sub-agents. */
  isAsked(threadId: string, turnId: string): boolean {
    return this.requests.pending().some((request) => {
      if (request.threadId === threadId) return request.turnId === turnId;
      return request.threadId !== undefined && this.#subagents.isBelow(request.threadId, threadId);
    });
  }

  #learn(message: NotificationMessage): void {
    this.#subagents.observe(message);
    this.requests.observe(message);
    this.memory.observe(message);
    this.threads.observe(message);
    this.rateLimits.observe(message);
    this.#warnings.observe(message);
  }

  /** What the server cannot tell. */
  #tell(method: ConnectionNotification["method"], params: object): void {
    this.hub.publish({ method, params, emittedAtMs: Date.now() });
  }

  async #listQueue(threadId: string): Promise<readonly string[] | undefined> {
    if (!this.experimentalApi) return undefined;
    // The time that the answer may take does not begin while the connection is away.
    await this.available();
    return listQueue((...args) => this.call(...args), threadId);
  }
}

/** Gives the session of this moment; starts one when there is none. */
export type GetSession = () => Promise<Session>;
