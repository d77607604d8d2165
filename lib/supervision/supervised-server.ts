import { setImmediate } from "node:timers";
import { onAbort, reasonOf } from "../async/abort.js";
import { callerContext } from "../async/caller-context.js";
import type { Logger } from "../async/logger.js";
import type { AppServerClient } from "../client.js";
import { TransportClosedError, type CloseReason } from "../errors/connection-errors.js";
import { HandshakeError, IncompatibleServerError } from "../errors/start-errors.js";
import type { ConnectionStatus } from "../jsonrpc/connection-status.js";
import type { Activity } from "../session/activity.js";
import type { Admission, Leave } from "../session/admission.js";
import type { WorkUnderWay } from "../session/work-under-way.js";
import { isQuiet, isServerAtRest } from "./at-rest.js";
import type { CodexStatus } from "./codex-status.js";
import { checkCloseOptions, Drain, type CloseOptions } from "./drain.js";
import { EagerRestart } from "./eager-restart.js";
import { IdleShutdown } from "./idle-shutdown.js";
import { statusPublisher } from "./publish-status.js";
import { checkRestart, RestartPolicy, type RestartOptions } from "./restart-policy.js";
import { StatusFeed } from "./status-feed.js";

export interface SupervisedServerOptions {
  /** Starts the server, or connects to one, until the signal aborts. */
  readonly open: (signal: AbortSignal) => Promise<AppServerClient>;
  readonly restart: boolean | RestartOptions;
  readonly idleShutdownMs: number | false;
  readonly signal: AbortSignal | undefined;
  readonly logger: Required<Logger>;
  readonly work: WorkUnderWay;
  readonly activity: Activity;
  readonly admission: Admission | undefined;
}

/**
 * The server of a `Codex`, of which there is one at a time: started when it is needed, replaced when it dies, suspended
 * while it has nothing to do, drained and closed in the end.
 */
export class SupervisedServer {
  readonly status = new StatusFeed<CodexStatus>({ state: "idle" }, statusPublisher());
  readonly #options: SupervisedServerOptions;
  /** In which the options were given. The process is started in it, not in that of the first call. */
  readonly #context = callerContext();
  readonly #closed = new AbortController();
  /** Aborts when no process is to be started any more. */
  readonly #stop: AbortSignal;
  /** Undefined when a process that died is not to be replaced. */
  readonly #restarts: RestartPolicy | undefined;
  /** Undefined when it is replaced by the next call only. */
  readonly #eager: EagerRestart | undefined;
  /** Undefined when an idle server runs on. */
  readonly #idleShutdown: IdleShutdown | undefined;
  /** The reason why no process is started any more. */
  #lost: CloseReason | undefined;
  #client: Promise<AppServerClient> | undefined;
  #live: AppServerClient | undefined;
  #suspending: Promise<boolean> | undefined;
  /** Resolves when the server is gone that was suspended: two at a time would share one directory. */
  #suspended: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #drain: Drain | undefined;
  #drained: Promise<void> | undefined;

  /** Starts nothing. @throws InvalidArgumentError */
  constructor(options: SupervisedServerOptions) {
    const { restart, idleShutdownMs, activity, signal, logger } = options;
    this.#options = options;
    checkRestart(restart);
    const stop = this.#stopped(signal);
    this.#stop = stop;
    const policy =
      restart === false ? undefined : new RestartPolicy(restart === true ? {} : restart);
    this.#restarts = policy;
    this.#eager = policy?.eager
      ? new EagerRestart({ start: () => this.client(), policy, stop, logger })
      : undefined;
    this.#idleShutdown =
      idleShutdownMs === false ? undefined : new IdleShutdown(this, activity, idleShutdownMs);
  }

  /** The client, once it has been started. */
  get live(): AppServerClient | undefined {
    return this.#live;
  }

  /** The start that is under way, or the client that it has led to; undefined when there is none. */
  get starting(): Promise<AppServerClient> | undefined {
    return this.#client;
  }

  /** The current connection; starts or connects if there is none. */
  async client(): Promise<AppServerClient> {
    this.throwIfOver();
    this.#options.activity.touch();
    this.#client ??= this.#context(() => this.#start());
    return this.#client;
  }

  /** Resolves with whether no server runs any more. Never rejects. */
  suspend(): Promise<boolean> {
    const live = this.#live;
    if (!live) return Promise.resolve(!this.#hasServer());
    this.#suspending ??= this.#suspend(live).finally(() => {
      this.#suspending = undefined;
    });
    return this.#suspending;
  }

  /** Resolves when the server is gone. @throws InvalidArgumentError */
  async close(options: CloseOptions): Promise<void> {
    checkCloseOptions(options);
    const { drainMs } = options;
    if (drainMs !== undefined && !this.#closing) {
      this.#drain ??= this.#beginDrain();
      this.#drain.limit(drainMs);
      this.#drained ??= this.#drain.run().then(() => this.close({}));
      return this.#drained;
    }
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** @throws TransportClosedError when no server can be started any more. */
  throwIfOver(): void {
    if (this.#closing) throw closedByCaller();
    if (this.#lost) throw new TransportClosedError(this.#lost);
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
    const { activity } = this.#options;
    const { count } = activity;
    if (!isQuiet(session) || !(await isServerAtRest(session))) return false;
    // Calls that have the connection already, and have not used it yet, come first.
    for (let i = 0; i < 2; i += 1) await new Promise((resolve) => setImmediate(resolve));
    const isUsed = activity.count !== count || !isQuiet(session);
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

  #start(): Promise<AppServerClient> {
    const starting = this.#startWhenAllowed();
    const forget = (): void => {
      if (this.#client !== starting) return;
      this.#client = undefined;
      this.#live = undefined;
      if (this.status.current.state === "lost") this.#eager?.begin();
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
    const leave = await this.#options.admission?.server(this.#stop);
    this.#publish({ state: "starting", attempt: this.#restarts?.attempt ?? 1 });
    try {
      const client = await this.#options.open(this.#stop);
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
    this.status.publish({ state: "draining" });
    return new Drain(this, this.#options.work);
  }

  /** Of what happens to the server while it drains, only the end counts. */
  #publish(status: CodexStatus): void {
    if (!this.#drain) this.status.publish(status);
  }

  async #close(): Promise<void> {
    this.#drain?.abandon();
    this.#closed.abort(closedByCaller());
    this.status.end({ state: "closed" });
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
    await this.#suspended;
  }
}

/** Gives the place of a server back when its process is gone. Never rejects. */
async function leaveWith(client: AppServerClient, leave: Leave): Promise<void> {
  await client.closed;
  await client.close();
  leave();
}

/** What every call rejects with behind `close()`. */
export function closedByCaller(): TransportClosedError {
  const reason = { kind: "closed", exitCode: null, signal: null, stderrTail: "" } as const;
  return new TransportClosedError(reason, undefined, false);
}
