import type { Account } from "../generated/types.js";
import type { AsyncIteration } from "./async/async-iteration.js";
import type { Callbacks } from "./errors/callbacks.js";
import { checkSignal } from "./errors/check-values.js";
import { AppServerClient } from "./client.js";
import { resolveConnect } from "./options/connect-options.js";
import { checkOptions } from "./errors/check-options.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import { RequestNotPendingError } from "./errors/server-request-errors.js";
import { resolveSettings } from "./options/options.js";
import type { ServerNotification, ServerNotificationMethod } from "./protocol.js";
import type { Admission } from "./session/admission.js";
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
import type { CodexStatus } from "./supervision/codex-status.js";
import type { CloseOptions } from "./supervision/drain.js";
import { closedByCaller, SupervisedServer } from "./supervision/supervised-server.js";
import type { SurvivingState } from "./session/connection-source.js";
import {
  checkCodexOptions,
  idleMsOf,
  isToConnect,
  isWithServer,
  type CodexConnectOptions,
  type CodexOptions,
  type CodexServerOptions,
} from "./supervision/codex-options.js";
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
  readonly #server: SupervisedServer;
  readonly #handlers: ClientHandlers;
  readonly #work: WorkUnderWay;
  readonly #activity = new Activity();
  readonly #usage: UsageLedger;
  /** Aborts when no more turns can end. */
  readonly #usageOver = new AbortController();
  readonly #callbacks: Callbacks;
  readonly #listeners: NotificationListeners;
  /** Undefined where nothing is recorded. */
  readonly #recorder: Recorder | undefined;
  #ended: Promise<void> | undefined;

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
    this.#work = new WorkUnderWay(admission);
    this.#usage = new UsageLedger(toBudget(options.budget));
    const settings = resolveSettings(options);
    const { logger, callbacks } = settings;
    this.#callbacks = callbacks;
    this.#handlers = new ClientHandlers(settings.handlers);
    this.#listeners = new NotificationListeners(logger);
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
    this.#server = new SupervisedServer({
      open: opener(rest, surviving),
      ...{ restart, idleShutdownMs, signal: settings.signal, logger },
      ...{ work: this.#work, activity: this.#activity, admission },
    });
  }

  /**
   * The current connection; starts or connects if there is none.
   *
   * @throws what `AppServerClient.start` or `.connect` throws; TransportClosedError after `close()`;
   * RestartLimitError when the server has failed too often in a row.
   */
  async client(): Promise<AppServerClient> {
    return this.#server.client();
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
    return this.#server.status.current;
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
    return this.#server.status.iterate(options.signal);
  }

  /**
   * The turns that run on behalf of this client at this moment, those included that it has accepted and that wait
   * for their thread; a goal counts as one. Also turns that no handle follows: of the server's queue, of requests made
   * by hand, of sub-agents. On a server that other clients use, too, the turns of these do not count. Reading it
   * starts nothing and sends nothing.
   */
  get runningTurns(): readonly TurnInProgress[] {
    return turnsInProgress(this.#work, this.#server.live?.session);
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
    this.#server.throwIfOver();
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
    return this.#server.live?.pendingRequests() ?? [];
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
    if (!this.#server.live || !isPending) throw new RequestNotPendingError(key);
    this.#server.live.respond(key, answer);
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
    return this.#server.suspend();
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
  async close(options: CloseOptions = {}): Promise<void> {
    await this.#server.close(options);
    this.#ended ??= this.#end();
    return this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  protected override usageSource(): UsageSource {
    return { ledger: this.#usage, over: this.#usageOver.signal };
  }

  async #end(): Promise<void> {
    this.#usageOver.abort(closedByCaller());
    await this.#recorder?.finish();
    this.#listeners.clear();
  }
}

/** Options without those of supervision, each kind of its own. */
type Unsupervised<Options> = Options extends unknown
  ? Omit<Options, "restart" | "idleShutdownMs">
  : never;

/** What starts the server, or connects to one. @throws InvalidArgumentError for an option that cannot work. */
function opener(
  options: Unsupervised<CodexOptions | CodexConnectOptions | CodexServerOptions>,
  surviving: SurvivingState,
): (signal: AbortSignal) => Promise<AppServerClient> {
  const common = (signal: AbortSignal) => ({
    retryOnOverload: options.retryOnOverload ?? true,
    signal,
  });
  if (isToConnect(options)) {
    const { url, ...connecting } = options;
    resolveConnect(url, connecting);
    return (signal) =>
      AppServerClient.connectWith(url, { ...connecting, ...common(signal) }, surviving);
  }
  if (isWithServer(options)) {
    const { server, ...connecting } = options;
    return (signal) =>
      AppServerClient.connectWith(server, { ...connecting, ...common(signal) }, surviving);
  }
  checkLaunchOptions(options);
  return (signal) => AppServerClient.startWith({ ...options, ...common(signal) }, surviving);
}
