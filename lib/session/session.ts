import type { BacklogBudget } from "../async/backlog-budget.js";
import { Deferred } from "../async/deferred.js";
import type { Logger } from "../async/logger.js";
import type { Callbacks } from "../errors/callbacks.js";
import {
  describeLoss,
  isDrop,
  TransportClosedError,
  type CloseReason,
} from "../errors/connection-errors.js";
import type { ConnectionStatus } from "../jsonrpc/connection-status.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { ReconnectingConnection } from "../jsonrpc/reconnecting-connection.js";
import { beforeRequest } from "../jsonrpc/within-deadline.js";
import { StartDeadline } from "../jsonrpc/start-deadline.js";
import { isContent } from "../messages/content-fields.js";
import { DeltaLines } from "../messages/delta-lines.js";
import { textOf } from "../messages/field-of.js";
import { idsIn } from "../messages/message-ids.js";
import { needsLoadedThread } from "../messages/needs-loaded-thread.js";
import { outlastsAnswer } from "../messages/outlasts-answer.js";
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
import { ClientHandlers } from "../server-requests/client-handlers.js";
import type { Transport } from "../transport/transport.js";
import type { Budget } from "../usage/budget.js";
import type { TurnEnding, TurnIdentity } from "../usage/turn-account.js";
import { UsageLedger } from "../usage/usage-ledger.js";
import { Activity } from "./activity.js";
import type { Call } from "./call.js";
import { ClientRequests } from "./client-requests.js";
import type { ConnectionSource } from "./connection-source.js";
import { CountedTurns, type StopTurn } from "./counted-turns.js";
import { handshake } from "./handshake.js";
import { IdleThreads } from "./idle-threads.js";
import { listQueue } from "./load-watch.js";
import { NotificationHub } from "./notification-hub.js";
import { RateLimitsHolder } from "./rate-limits-holder.js";
import { ThreadRecovery } from "./recovery/thread-recovery.js";
import { ThreadsWithoutTurns } from "./recovery/threads-without-turns.js";
import { RequestDispatcher } from "./requests/dispatcher.js";
import { resumeThread } from "./resume-thread.js";
import type { AskedSettings } from "./sandbox/hold-to-settings.js";
import type { ServerInfo } from "./server-info.js";
import { ServerWarnings } from "./server-warnings.js";
import { SubagentTree } from "./subagent-tree.js";
import { ThreadMemory } from "./thread-memory.js";
import type { ThreadState } from "./thread-state.js";
import { Threads } from "./threads.js";
import { totalBacklog } from "./total-backlog.js";
import { TurnRoutes } from "./turn-routes.js";
import { WorkUnderWay } from "./work-under-way.js";

/**
 * A connection, and everything that is known of it while it lasts: which threads are loaded and busy, who
 * follows which turn, who answers which request. It learns from every message that passes.
 */
export class Session {
  readonly connection: ReconnectingConnection;
  /** Who answers the server's requests when no thread and no turn has a handler. */
  readonly handlers: ClientHandlers;
  readonly hub: NotificationHub;
  readonly requests: RequestDispatcher;
  readonly threads: Threads;
  readonly turns: TurnRoutes;
  /** How much may wait for all consumers together. */
  readonly backlogs: BacklogBudget;
  readonly rateLimits = new RateLimitsHolder();
  /** What this connection, or one before it, has learnt of threads. */
  readonly memory: ThreadMemory;
  /** What calls of this client have begun, over this connection or one before it, and whether more may begin. */
  readonly work: WorkUnderWay;
  /** What this client is asked for. */
  readonly activity: Activity;
  /** What turns have used, over this connection or one before it. */
  readonly usage: UsageLedger;
  /** Whether other clients may use the same server. */
  readonly shared: boolean;
  /** What the configuration that this client has given the server says of threads. */
  readonly configured: AskedSettings;
  /** The file of the runtime that this client has started; undefined for a server that is not its own. */
  readonly runtimeFile: string | undefined;
  /** Whether threads let the server trust their directory unless they say otherwise. */
  readonly trustProject: boolean;
  readonly experimentalApi: boolean;
  /** What calls the functions that were given with the options. */
  readonly callbacks: Callbacks;
  /** The library's own remarks; never params or values. */
  readonly logger: Required<Logger>;
  readonly #closed = new Deferred<CloseReason>();
  /** Resolves, never rejects, when the connection is over. */
  readonly closed: Promise<CloseReason> = this.#closed.promise;
  readonly #ended = new AbortController();
  /** Aborts when the connection is over; its reason is a TransportClosedError. */
  readonly signal: AbortSignal = this.#ended.signal;
  readonly #subagents: SubagentTree;
  readonly #countedTurns: CountedTurns;
  readonly #clientRequests: ClientRequests;
  readonly #recovery: ThreadRecovery;
  readonly #warnings: ServerWarnings;
  /** Undefined where threads stay loaded, used or not. */
  readonly #idleThreads: IdleThreads | undefined;
  readonly #statusListeners = new Set<(status: ConnectionStatus) => void>();
  #serverInfo: ServerInfo | undefined;
  #serverFiles: ServerFiles;
  #hasUnknownWork = false;
  /** Aborts when the connection of this moment is gone, replaced or not. */
  #connectionLife = new AbortController();

  constructor(
    transport: Transport,
    settings: ResolvedSettings,
    source: ConnectionSource,
    stopTurnOf: (session: Session, ...turn: Parameters<StopTurn>) => void,
  ) {
    const { logger, callbacks } = settings;
    const { reopening, shared = false, memory = new ThreadMemory() } = source;
    const { backlogs = totalBacklog(settings.maxTotalBacklogBytes) } = source;
    const { handlers = new ClientHandlers(settings.handlers), work = new WorkUnderWay() } = source;
    this.trustProject = settings.trustProject;
    this.experimentalApi = settings.experimentalApi;
    this.callbacks = callbacks;
    this.logger = logger;
    this.handlers = handlers;
    this.backlogs = backlogs;
    this.memory = memory;
    this.work = work;
    this.activity = source.activity ?? new Activity();
    this.usage = source.usage ?? new UsageLedger();
    this.shared = shared;
    this.configured = source.configured ?? {};
    const areShared = settings.sharesFiles ?? source.sharesFiles ?? false;
    this.#serverFiles = { areShared, home: source.home, platformFamily: "" };
    this.runtimeFile = source.runtimeFile;
    memory.isLoaded = (threadId) => this.isLoaded(threadId);
    this.hub = new NotificationHub(logger, backlogs, source.listeners);
    this.#warnings = new ServerWarnings(logger);
    const threads = new Threads((threadId) => this.#listQueue(threadId));
    const turns = new TurnRoutes(threads, backlogs);
    const subagents = new SubagentTree(threads, (...args) => this.call(...args));
    this.threads = threads;
    this.turns = turns;
    this.#subagents = subagents;
    const stopTurn: StopTurn = (...turn) => {
      stopTurnOf(this, ...turn);
    };
    this.#countedTurns = new CountedTurns(this, subagents, stopTurn);
    this.requests = new RequestDispatcher({
      ...{ threads, turns, subagents, memory, logger, callbacks, shared },
      client: handlers,
      replaceable: reopening !== undefined,
    });
    const { unsubscribeIdleMs = Infinity } = source;
    // Without the experimental methods, the server does not tell what a thread still does.
    if (unsubscribeIdleMs < Infinity && settings.experimentalApi) {
      this.#idleThreads = new IdleThreads(this, subagents, unsubscribeIdleMs);
    }
    this.#recovery = new ThreadRecovery(this, subagents);
    this.connection = this.#connect(transport, settings, source);
    this.#clientRequests = new ClientRequests(settings, {
      ...{ threads, memory, connection: this.connection, rateLimits: this.rateLimits },
      ...{ usage: this.usage, countedTurns: this.#countedTurns },
      closed: this.signal,
      idleThreads: this.#idleThreads,
      threadsWithoutTurns: new ThreadsWithoutTurns(this, stopTurn),
    });
  }

  /** Undefined before the handshake; a server that takes the place of another tells its own. */
  get serverInfo(): ServerInfo | undefined {
    return this.#serverInfo;
  }

  get serverFiles(): ServerFiles {
    return this.#serverFiles;
  }

  /**
   * Aborts when the connection of this moment is gone, also when it drops and another takes its place: for
   * what the server ends with the connection that it came from, such as commands.
   */
  get connectionSignal(): AbortSignal {
    return this.#connectionLife.signal;
  }

  /** Calls `changed`, which must not throw, with each change; returns the function that stops it. */
  onStatus(changed: (status: ConnectionStatus) => void): () => void {
    // Each registration has a place of its own, also of a function that is there already.
    const own: typeof changed = (status) => {
      changed(status);
    };
    this.#statusListeners.add(own);
    return () => this.#statusListeners.delete(own);
  }

  /**
   * Resolves at once, unless the connection was dropped and is being restored: then when it works
   * again, its threads resumed. Rejects with a TransportClosedError when it is over.
   */
  available(): Promise<void> {
    return this.connection.available();
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

  /** The same, with the params as they are. A thread that was let go of, since nobody used it, is loaded first. */
  request<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options?: RequestOptions,
  ): Promise<ResultOf<M>> {
    const threadId = textOf(params, "threadId");
    const isReleased = threadId !== undefined && this.threads.find(threadId)?.isReleased === true;
    return this.activity.during(() =>
      isReleased && needsLoadedThread(method)
        ? this.#requestLoaded(threadId, method, params, options)
        : this.#clientRequests.request(method, params, options),
    );
  }

  /** The same for a request that somebody else has written: what it begins has no handle here, and may go on. */
  requestByHand<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options?: RequestOptions,
  ): Promise<ResultOf<M>> {
    this.#hasUnknownWork ||= outlastsAnswer(method);
    return this.request(method, params, options);
  }

  /** Whether something may go on that was begun by hand, and of which nobody tells here when it ends. */
  get hasUnknownWork(): boolean {
    return this.#hasUnknownWork;
  }

  /** Makes sure that the thread is loaded and that this connection gets its events. */
  async load(threadId: string): Promise<void> {
    this.thread(threadId).use.touch();
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

  /**
   * The same for the sub-agents that work for a turn which somebody else has started, so that what they ask
   * comes here, too. Never rejects: what is lost with the connection is looked for when that is back.
   */
  async loadSubagents(threadId: string, turnId: string): Promise<void> {
    const call: Call = (...args) => this.call(...args);
    await this.#recovery.findSubagents(threadId, turnId, call).catch(() => undefined);
  }

  /** What is known of the thread. Ask again after a pause: it may have been forgotten. */
  thread(threadId: string): ThreadState {
    return this.threads.open(threadId);
  }

  /** Whether the thread is loaded, and this connection gets its events. */
  isLoaded(threadId: string): boolean {
    return this.threads.find(threadId)?.isLoaded ?? false;
  }

  /** The server no longer has the thread loaded, whatever was known before. */
  unload(threadId: string): void {
    this.threads.find(threadId)?.unload();
  }

  /** A turn has ended, as somebody has found out who has asked: what it has used is told then. */
  turnEnded(turn: TurnIdentity, ending: TurnEnding): void {
    this.usage.ended(turn, ending, this.#countedTurns);
  }

  /** A turn was found running of which nothing was told: from now on what it uses counts, and its budgets stop it. */
  turnFound(turn: TurnIdentity, rootTurnId: string | null | undefined): void {
    this.usage.found(turn, rootTurnId, this.#countedTurns);
  }

  /** A handle has begun this turn: it is to stay within `budget`, besides those of its thread and its client. */
  keepWithin(turn: TurnIdentity, budget: Budget | undefined): void {
    this.usage.attach(turn, budget, this.#countedTurns);
  }

  async #requestLoaded<M extends ClientRequestMethod>(
    threadId: string,
    method: M,
    params: ParamsOf<M>,
    options: RequestOptions = {},
  ): Promise<ResultOf<M>> {
    const loading = { prepare: () => this.load(threadId), since: "its thread was not loaded yet" };
    const [, left] = await beforeRequest(method, options, loading);
    return this.#clientRequests.request(method, params, left);
  }

  /** Makes the connection, whose every message comes here. Nothing is read before all routes exist. */
  #connect(
    transport: Transport,
    settings: ResolvedSettings,
    source: ConnectionSource,
  ): ReconnectingConnection {
    let { deadline } = source;
    return new ReconnectingConnection(transport, {
      ...settings,
      reopening: source.reopening,
      record: source.recorder && (() => source.recorder?.begin()),
      shakeHands: async (fresh, over) => {
        const limit = deadline ?? new StartDeadline(settings.startTimeoutMs);
        deadline = undefined;
        const own = { handlers: this.handlers, deadline: limit, place: source.place };
        this.#serverInfo = await handshake(fresh, over, settings, own);
        const { platformFamily } = this.#serverInfo;
        this.#serverFiles = { ...this.#serverFiles, platformFamily };
      },
      isContent,
      onTraceRefused: (error, method) => {
        settings.callbacks.failed(error, { where: "traceContext", method });
      },
      idsOf: (value) => idsIn((value ?? {}) as Readonly<Record<string, unknown>>),
      frequentLines: () => new DeltaLines(),
      onNotification: (message) => {
        this.#received(message);
      },
      onRequest: (message) => this.requests.receive(message),
      onAnswerFailed: (error, { method, params }) => {
        const ids = idsIn((params ?? {}) as Readonly<Record<string, unknown>>);
        settings.callbacks.failed(error, { where: "handler", method, ...ids });
      },
      onDropped: (reason) => {
        settings.logger.warn(`${describeLoss(reason)}.`);
        this.#dropped(reason);
      },
      onDroppedAgain: (reason) => {
        // There is a hole behind what it brought.
        this.turns.dropped();
        this.requests.recovery.dropped(new TransportClosedError(reason));
      },
      restore: (send) => this.#recovery.run(this.#clientRequests.over(send)),
      onRestored: () => {
        this.#restored();
      },
      onEnd: (reason) => {
        // A start that fails is told to its caller.
        const isLoss = this.#serverInfo !== undefined && reason.kind !== "closed";
        if (isLoss) settings.logger.warn(`${describeLoss(reason)}.`);
        this.#end(reason);
      },
      onStatus: (status) => {
        for (const changed of [...this.#statusListeners]) changed(status);
      },
    });
  }

  #received(message: NotificationMessage): void {
    // Of these there are by far the most, and a client may opt out of them: nobody learns from them.
    if (!isProgress(message.method)) this.#learn(message);
    this.turns.route(message);
    this.hub.publish(message);
  }

  /** Another connection is to take the place of the one that is gone. */
  #dropped(reason: CloseReason): void {
    this.usage.dropped(this.#countedTurns);
    this.turns.dropped(new TransportClosedError(reason, "the turn"));
    this.requests.recovery.dropped(new TransportClosedError(reason));
    const lost = this.#connectionLife;
    this.#connectionLife = new AbortController();
    lost.abort(new TransportClosedError(reason));
    this.#tell("connection/dropped", { reason });
  }

  #restored(): void {
    const lostThreadIds = this.#recovery.takeLost();
    this.threads.restored();
    this.#tell("connection/restored", { lostThreadIds });
    this.turns.restored(new Set(lostThreadIds));
  }

  #end(reason: CloseReason): void {
    // Before those who wait for it are told that nothing more comes.
    this.usage.lost(this.#countedTurns);
    // Then first of all, so that nobody who is told of the loss still takes the connection for a live one.
    this.#ended.abort(new TransportClosedError(reason));
    this.#connectionLife.abort(new TransportClosedError(reason));
    this.requests.close(new TransportClosedError(reason));
    this.turns.close(new TransportClosedError(reason, "the turn"));
    this.threads.close();
    this.#idleThreads?.close();
    this.hub.close(reason);
    this.#closed.resolve(reason);
  }

  #learn(message: NotificationMessage): void {
    if (message.method === "turn/completed") this.activity.touch();
    this.#subagents.observe(message);
    // Before those who forget whose turn it was that has ended.
    this.usage.observe(message, this.#countedTurns);
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

/**
 * Gives the session of this moment; starts one when there is none. `toBegin` is the method by which something is
 * to begin that runs on its own: while the client drains, that rejects with a CodexDrainingError.
 */
export type GetSession = (toBegin?: string) => Promise<Session>;
