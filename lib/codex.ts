import { setImmediate } from "node:timers";
import type { Account } from "../generated/types.js";
import { onAbort, reasonOf } from "./async/abort.js";
import type { AsyncIteration } from "./async/async-iteration.js";
import { callerContext } from "./async/caller-context.js";
import type { Callbacks } from "./errors/callbacks.js";
import { checkSignal } from "./errors/check-values.js";
import { AppServerClient } from "./client.js";
import { resolveConnect } from "./options/connect-options.js";
import { TransportClosedError, type CloseReason } from "./errors/connection-errors.js";
import { checkOptions } from "./errors/check-options.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import { RequestNotPendingError } from "./errors/server-request-errors.js";
import { HandshakeError, IncompatibleServerError } from "./errors/start-errors.js";
import { resolveSettings } from "./options/options.js";
import type { ServerNotification, ServerNotificationMethod } from "./protocol.js";
import type { ConnectionStatus } from "./jsonrpc/connection-status.js";
import type { Admission, Leave } from "./session/admission.js";
import { Activity } from "./session/activity.js";
import { NotificationListeners } from "./session/notification-listeners.js";
import { recorderFor, type Recorder } from "./recording/recorder.js";
import type { ServerInfo } from "./session/server-info.js";
import { checkLaunchOptions } from "./runtime/check-launch-options.js";
import { ClientHandlers, type HandlerOf } from "./server-requests/client-handlers.js";
import type { PendingRequest } from "./server-requests/open-request.js";
import { ThreadMemory } from "./session/thread-memory.js";
import { turnsInProgress, type TurnInProgress } from "./session/turns-in-progress.js";
import { UsageLedger } from "./usage/usage-ledger.js";
import { toBudget } from "./usage/budget.js";
import type { UsageSource } from "./resources/account/usage.js";
import { WorkUnderWay } from "./session/work-under-way.js";
import type { RequestAnswer } from "./server-requests/request-kinds.js";
import { isQuiet, isServerAtRest } from "./supervision/at-rest.js";
import type { CodexStatus } from "./supervision/codex-status.js";
import { checkCloseOptions, Drain, type CloseOptions } from "./supervision/drain.js";
import { EagerRestart } from "./supervision/eager-restart.js";
import {
  checkCodexOptions,
  idleMsOf,
  isToConnect,
  isWithServer,
  type CodexConnectOptions,
  type CodexOptions,
  type CodexServerOptions,
} from "./supervision/codex-options.js";
import { IdleShutdown } from "./supervision/idle-shutdown.js";
import { checkRestart, RestartPolicy } from "./supervision/restart-policy.js";
import { statusPublisher } from "./supervision/publish-status.js";
import { StatusFeed } from "./supervision/status-feed.js";
import { CodexApi } from "./catalogue/codex-api.js";
import { guardedListener } from "./session/guarded-listener.js";
import { totalBacklog } from "./session/total-backlog.js";

/** The result of `ready()`: the server, the account, and whether somebody has to log in. */
export interface Readiness {
  readonly serverInfo: ServerInfo;
  /** The account that is logged in; `null` when nobody is, or when the model provider needs no login. */
  readonly account: Account | null;
  /** Whether turns will fail until somebody logs in. */
  readonly loginRequired: boolean;
}

/**
 * The default client: make one when your process starts, and share it. The first call that needs the
 * app-server starts it, and calls that come together share that start. When the process dies, everything
 * that waits for it rejects at once. The next call starts a new one, after a growing pause if there were
 * failures in a row, and threads are loaded again when they are used. Requests are repeated while the
 * server is too busy to take them. With `{ url }` it connects to a server that runs already, instead of
 * starting one.
 *
 * `await using codex = new Codex()` closes it at the end of the block.
 */
export class Codex extends CodexApi implements AsyncDisposable {
  readonly #open: () => Promise<AppServerClient>;
  /** In which the options were given. The process is started in it, not in that of the first call. */
  readonly #context = callerContext();
  readonly #closed = new AbortController();
  /** Aborts when no process is to be started any more. */
  readonly #stop: AbortSignal;
  readonly #handlers: ClientHandlers;
  readonly #work: WorkUnderWay;
  readonly #admission: Admission | undefined;
  readonly #activity = new Activity();
  readonly #usage: UsageLedger;
  /** Aborts when no more turns can end. */
  readonly #usageOver = new AbortController();
  readonly #callbacks: Callbacks;
  readonly #listeners: NotificationListeners;
  readonly #status = new StatusFeed<CodexStatus>({ state: "idle" }, statusPublisher());
  /** Undefined where nothing is recorded. */
  readonly #recorder: Recorder | undefined;
  /** Undefined when a process that died is not to be replaced. */
  readonly #restarts: RestartPolicy | undefined;
  /** Undefined when it is replaced by the next call only. */
  readonly #eager: EagerRestart | undefined;
  /** Undefined when an idle server runs on. */
  readonly #idleShutdown: IdleShutdown | undefined;
  /** The reason why no process is started any more. */
  #lost: CloseReason | undefined;
  #client: Promise<AppServerClient> | undefined;
  /** The client, once it has been started. */
  #live: AppServerClient | undefined;
  #suspending: Promise<boolean> | undefined;
  /** Resolves when the server is gone that was suspended: two at a time would share one directory. */
  #suspended: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #drain: Drain | undefined;
  #drained: Promise<void> | undefined;

  /** Starts nothing. @throws InvalidArgumentError for an option that cannot work. */
  constructor(given?: CodexOptions | CodexConnectOptions | CodexServerOptions);
  /** @internal For a pool. */
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- the declarations have the first one only
  constructor(given: CodexOptions | CodexConnectOptions | CodexServerOptions, admission: Admission);
  constructor(
    given: CodexOptions | CodexConnectOptions | CodexServerOptions = {},
    admission?: Admission,
  ) {
    super(async (toBegin) => {
      this.#work.admit(toBegin);
      return (await this.client()).session;
    });
    const options = checkCodexOptions(given);
    this.#admission = admission;
    this.#work = new WorkUnderWay(admission);
    this.#usage = new UsageLedger(toBudget(options.budget));
    const settings = resolveSettings(options);
    const { logger, callbacks } = settings;
    this.#callbacks = callbacks;
    this.#handlers = new ClientHandlers(settings.handlers);
    this.#listeners = new NotificationListeners(logger);
    const stop = this.#stopped(settings.signal);
    this.#stop = stop;
    this.#recorder = recorderFor(settings, "env" in options ? options.env : {});
    const surviving = {
      handlers: this.#handlers,
      listeners: this.#listeners,
      memory: new ThreadMemory(),
      backlogs: totalBacklog(settings.maxTotalBacklogBytes),
      recorder: this.#recorder,
      work: this.#work,
      activity: this.#activity,
      usage: this.#usage,
      unsubscribeIdleMs: idleMsOf(options),
    };
    const ownIdleMs = admission?.idleShutdownMs ?? false;
    const { restart = true, idleShutdownMs = ownIdleMs, ...rest } = options;
    checkRestart(restart);
    this.#restarts =
      restart === false ? undefined : new RestartPolicy(restart === true ? {} : restart);
    const policy = this.#restarts;
    this.#eager = policy?.eager
      ? new EagerRestart({ start: () => this.client(), policy, stop, logger })
      : undefined;
    this.#idleShutdown =
      idleShutdownMs === false
        ? undefined
        : new IdleShutdown({
            idleMs: idleShutdownMs,
            activity: this.#activity,
            isQuiet: () => !this.#live || isQuiet(this.#live.session),
            suspend: () => this.suspend(),
          });
    const common = {
      retryOnOverload: options.retryOnOverload ?? true,
      signal: stop,
    };
    if (isToConnect(rest)) {
      const { url, ...connecting } = rest;
      resolveConnect(url, connecting);
      this.#open = () => AppServerClient.connectWith(url, { ...connecting, ...common }, surviving);
    } else if (isWithServer(rest)) {
      const { server, ...connecting } = rest;
      this.#open = () =>
        AppServerClient.connectWith(server, { ...connecting, ...common }, surviving);
    } else {
      checkLaunchOptions(rest);
      this.#open = () => AppServerClient.startWith({ ...rest, ...common }, surviving);
    }
  }

  /**
   * The current connection; starts or connects if there is none.
   *
   * @throws what `AppServerClient.start` or `.connect` throws; TransportClosedError after `close()`;
   * RestartLimitError when the server has failed too often in a row.
   */
  async client(): Promise<AppServerClient> {
    this.#throwIfOver();
    this.#activity.touch();
    this.#client ??= this.#context(() => this.#start());
    return this.#client;
  }

  /**
   * Starts the server if it does not run, and resolves with its version, the account, and whether somebody
   * has to log in.
   */
  async ready(): Promise<Readiness> {
    const client = await this.client();
    const { account, loginRequired } = await client.account();
    return { serverInfo: client.serverInfo, account, loginRequired };
  }

  /**
   * The state of the server at this moment. Reading it starts nothing and sends nothing: use it for a
   * health check.
   */
  get currentStatus(): CodexStatus {
    return this.#status.current;
  }

  /** When something was asked for, or ended, last (ms of the performance clock). @internal */
  get lastUsedAt(): number {
    return this.#activity.lastAt;
  }

  /**
   * Iterates the state of the server: the current one, then each change, until `close()`. A reader that
   * falls behind by more than 100 changes misses the oldest.
   *
   * @throws `signal.reason`.
   */
  status(options: { signal?: AbortSignal | undefined } = {}): AsyncIteration<CodexStatus> {
    checkOptions("status()", options, { signal: true });
    checkSignal(options.signal);
    return this.#status.iterate(options.signal);
  }

  /**
   * The turns that run on behalf of this client at this moment, those included that it has accepted and that wait
   * for their thread; a goal counts as one. Also turns that no handle follows: of the server's queue, of requests made
   * by hand, of sub-agents. On a server that other clients use, too, the turns of these do not count. Reading it
   * starts nothing and sends nothing.
   */
  get runningTurns(): readonly TurnInProgress[] {
    return turnsInProgress(this.#work, this.#live?.session);
  }

  /**
   * Calls `listener` for each notification of one method, of the server that runs now, if any does, and of
   * all that take its place. Starts nothing. Notifications that a server sends while this client is not
   * connected to it are lost. Those that arrive before `close()` resolves are still delivered; then the
   * listener is removed.
   *
   * @returns the function that stops it at once.
   * @throws InvalidArgumentError; TransportClosedError when no server can be started any more: after
   * `close()`, or after a loss with `restart: false`.
   */
  on<M extends ServerNotificationMethod>(
    method: M,
    listener: (notification: ServerNotification<M>) => void,
  ): () => void {
    const own = guardedListener(this.#callbacks, method, listener);
    this.#throwIfOver();
    return this.#listeners.on(method, own);
  }

  /**
   * Answers the server's requests of one method, in their own shape, when no thread and no turn has a
   * handler for them. It goes before the handlers of the options, and outlives the server process.
   *
   * @returns the function that removes it.
   */
  handle<M extends string>(method: M, handler: HandlerOf<M>): () => void {
    return this.#handlers.handle(method, handler);
  }

  /** The server's requests that have no answer yet, oldest first; none when no server runs. */
  pendingRequests(): PendingRequest[] {
    return this.#live?.pendingRequests() ?? [];
  }

  /**
   * Answers an open request, from anywhere: with what its handler would return, or with the result as it
   * is on the wire. The signal of a handler that is still working on it aborts.
   *
   * @param key of the request. Its `requestId` is refused: a server that was restarted counts from zero
   * again, and an old answer must not approve a new command.
   * @throws RequestNotPendingError when the request is no longer open; InvalidArgumentError when the
   * answer does not fit the request, which stays open.
   */
  respond(key: string, answer: RequestAnswer): void {
    if (typeof key !== "string") {
      throw new InvalidArgumentError("key", "must be the key of the request, not its requestId");
    }
    const isPending = this.pendingRequests().some((request) => request.key === key);
    if (!this.#live || !isPending) throw new RequestNotPendingError(key);
    this.#live.respond(key, answer);
  }

  /**
   * Ends the server process, if it has nothing to do; the next call starts another. What a restart after a crash keeps
   * stays: handlers, tools, listeners of `on()`, the sandbox and the settings of threads, handles. The connection to a
   * server that ran already is closed, and the server goes on.
   *
   * Nothing is lost by it. The server stays while a turn, a goal, a request, a command, a login or a voice session runs,
   * something is queued, a question of the server is open, or somebody follows what it reports: `watch()`,
   * `fileSearch()`, `notifications()`, `unsolicitedTurns()` and the like. It stays, too, while it has a thread that it
   * could not load again: an ephemeral one, or one without a turn. What the user has allowed "for the session" is asked
   * anew afterwards. Without `experimentalApi` the server does not tell all of that, and stays once it has a thread
   * loaded. It stays for good when `rpc` or `request()` has started what goes on outside threads, such as a
   * `process/spawn`: use `spawn()`, which tells when that is over.
   *
   * A call that comes meanwhile is answered by the server that runs, or by the next one.
   *
   * @returns whether no server runs any more. Never rejects.
   */
  suspend(): Promise<boolean> {
    const live = this.#live;
    if (!live) return Promise.resolve(!this.#hasServer());
    this.#suspending ??= this.#suspend(live).finally(() => {
      this.#suspending = undefined;
    });
    return this.#suspending;
  }

  /**
   * Ends the server process, or the connection to a server that ran already. Resolves when it is gone.
   * Every later call rejects.
   *
   * With `drainMs`, turns and goals that this client has accepted go on to their end for so long, turns that wait
   * for their thread included; approvals, steering, interrupting and reading work on. Whatever would begin a turn,
   * a goal or a thread rejects with a CodexDrainingError. Then what still runs is interrupted (`turn/interrupt`),
   * which takes ten seconds at most, so that its callers get a result with `status: "interrupted"`, and the
   * server is ended. When nothing runs, that happens at once. Another call with `drainMs` can only shorten the time;
   * `close()` ends it at once, without interrupting anything.
   *
   * @throws InvalidArgumentError for options that cannot work. Nothing else rejects it.
   */
  close(options: CloseOptions = {}): Promise<void> {
    try {
      checkCloseOptions(options);
    } catch (error) {
      if (error instanceof InvalidArgumentError) return Promise.reject(error);
      throw error;
    }
    const { drainMs } = options;
    if (drainMs !== undefined && !this.#closing) {
      this.#drain ??= this.#beginDrain();
      this.#drain.limit(drainMs);
      this.#drained ??= this.#drain.run().then(() => this.close());
      return this.#drained;
    }
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  protected override usageSource(): UsageSource {
    return { ledger: this.#usage, over: this.#usageOver.signal };
  }

  /**
   * Aborts when the caller's signal does, and at `close()`, which must not wait for a start that takes
   * its time. `AbortSignal.any()` would take no signal of another realm.
   */
  #stopped(signal: AbortSignal | undefined): AbortSignal {
    if (!signal) return this.#closed.signal;
    const either = new AbortController();
    const stop = (reason: unknown): void => {
      either.abort(reason);
    };
    if (signal.aborted) stop(reasonOf(signal));
    const unlink = onAbort(signal, stop);
    onAbort(this.#closed.signal, (reason) => {
      unlink();
      stop(reason);
    });
    return either.signal;
  }

  async #suspend(client: AppServerClient): Promise<boolean> {
    const { session } = client;
    const { count } = this.#activity;
    if (!isQuiet(session) || !(await isServerAtRest(session))) return false;
    // Calls that have the connection already, and have not used it yet, come first.
    for (let i = 0; i < 2; i += 1) await new Promise((resolve) => setImmediate(resolve));
    const isUsed = this.#activity.count !== count || !isQuiet(session);
    if (this.#live !== client || isUsed) return !this.#hasServer();
    this.#client = undefined;
    this.#live = undefined;
    this.#suspended = client.close();
    await this.#suspended;
    return !this.#hasServer();
  }

  /** Whether a server runs, or is being started. */
  #hasServer(): boolean {
    return this.#client !== undefined;
  }

  #throwIfOver(): void {
    if (this.#closing) throw closedByCaller();
    if (this.#lost) throw new TransportClosedError(this.#lost);
  }

  #start(): Promise<AppServerClient> {
    const starting = this.#startWhenAllowed();
    const forget = (): void => {
      if (this.#client !== starting) return;
      this.#client = undefined;
      this.#live = undefined;
      if (this.#status.current.state === "lost") this.#eager?.begin();
    };
    starting.then((client) => {
      this.#live = client;
      this.#idleShutdown?.watch(client.signal);
      const lost = (error: unknown): void => {
        this.#ended(error as TransportClosedError);
        forget();
      };
      // The signal is the first to tell of a loss: whoever calls upon hearing of it gets a new start.
      if (client.signal.aborted) lost(client.signal.reason);
      else onAbort(client.signal, lost);
    }, forget);
    return starting;
  }

  async #startWhenAllowed(): Promise<AppServerClient> {
    await this.#suspended;
    await this.#restarts?.admit(this.#stop);
    const leave = await this.#admission?.server(this.#stop);
    this.#publish({ state: "starting", attempt: this.#restarts?.attempt ?? 1 });
    try {
      const client = await this.#open();
      if (leave) void leaveWith(client, leave);
      this.#restarts?.started();
      this.#publish({ state: "ready", serverInfo: client.serverInfo });
      client.onConnectionStatus((status) => {
        this.#connectionChanged(client, status);
      });
      return client;
    } catch (error) {
      leave?.();
      // A process that came to nothing costs as much as one that crashed; a missing one costs nothing.
      const hasRun = error instanceof HandshakeError || error instanceof IncompatibleServerError;
      if (hasRun) this.#restarts?.failed(error);
      if (!this.#closed.signal.aborted) this.#publish({ state: "lost", error, mayRestart: true });
      throw error;
    }
  }

  #connectionChanged({ serverInfo }: AppServerClient, status: ConnectionStatus): void {
    if (status.state === "ready") {
      this.#publish({ state: "ready", serverInfo });
    } else if (status.state === "reconnecting") {
      const { state, attempt, reason } = status;
      this.#publish({ state, attempt, reason });
    }
  }

  #ended(error: TransportClosedError): void {
    if (error.reason.kind === "closed") {
      // It was suspended, or somebody has closed the client of this moment: the next call starts another.
      this.#restarts?.ended();
      if (!this.#closing) this.#publish({ state: "idle" });
      return;
    }
    if (this.#restarts) this.#restarts.failed(error);
    else this.#lost = error.reason;
    this.#publish({ state: "lost", error, mayRestart: this.#restarts !== undefined });
  }

  #beginDrain(): Drain {
    this.#status.publish({ state: "draining" });
    return new Drain({
      work: this.#work,
      starting: () => this.#client,
      session: () => this.#live?.session,
    });
  }

  /** Of what happens to the server while it drains, only the end counts. */
  #publish(status: CodexStatus): void {
    if (!this.#drain) this.#status.publish(status);
  }

  async #close(): Promise<void> {
    this.#drain?.abandon();
    this.#closed.abort(closedByCaller());
    this.#status.end({ state: "closed" });
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
    await this.#suspended;
    this.#usageOver.abort(closedByCaller());
    await this.#recorder?.finish();
    this.#listeners.clear();
  }
}

/** Gives the place of a server back when its process is gone. Never rejects. */
async function leaveWith(client: AppServerClient, leave: Leave): Promise<void> {
  await client.closed;
  await client.close();
  leave();
}

function closedByCaller(): TransportClosedError {
  const reason = { kind: "closed", exitCode: null, signal: null, stderrTail: "" } as const;
  return new TransportClosedError(reason, undefined, false);
}
