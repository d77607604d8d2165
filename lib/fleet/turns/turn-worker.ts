import { settleWithin } from "../../async/timers.js";
import { ignoreRejection } from "../../async/deferred.js";
import { checkOptions } from "../../errors/check-options.js";
import { checkFields } from "../../errors/check-values.js";
import { waitTime } from "../pool/pool-options.js";
import { closeWithin } from "./close-within.js";
import { closedByForce, forceAfter, JobQueues, queueOf } from "./job-queues.js";
import { KnownHosts } from "./known-hosts.js";
import { MovingThreads } from "./moving-threads.js";
import { Places } from "./places.js";
import { QueueWorker } from "./queue-worker.js";
import type { RunContext } from "./run-context.js";
import { ThreadLine } from "./thread-line.js";
import {
  readWorkerOptions,
  type TurnWorkerOptions,
  type WorkerSettings,
} from "./turn-worker-options.js";

/** How often within the time for which a host counts as alive a worker says that it is. */
const beatsPerLife = 4;

/** How a worker is closed. */
export interface CloseTurnWorkerOptions {
  /** How long turns that run may take to end here (ms; default 0). */
  readonly drainMs?: number | undefined;
  /** How long a database that does not answer is waited for (ms; default 10 s). */
  readonly forceAfterMs?: number | undefined;
}

/**
 * Runs turns of a `TurnQueue`, of new threads and of those that lie on its host. Any number of workers share a queue.
 * A worker that dies loses nothing: another one of its host finds the turn that it has begun, and follows it.
 *
 * ```ts
 * const codex = new Codex({ url: "ws://127.0.0.1:4500" });
 * const worker = new TurnWorker({ store, connection, codexFor: () => codex });
 * process.once("SIGTERM", () => void worker.close());
 * ```
 */
export class TurnWorker implements AsyncDisposable {
  readonly #settings: WorkerSettings;
  readonly #queues: JobQueues;
  readonly #places: Places;
  readonly #closing = new AbortController();
  readonly #workers: QueueWorker[] = [];
  /** Those for the queues of dead hosts, by the names of these queues. */
  readonly #rescuers = new Map<string, QueueWorker>();
  /** Those whose hosts are alive again, until their jobs are over. */
  readonly #leaving = new Set<QueueWorker>();
  readonly #made: Promise<void>;
  readonly #started: Promise<void>;
  #stopping = false;
  #beat: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  /** Connects, and begins to take jobs. @throws InvalidArgumentError */
  constructor(options: TurnWorkerOptions) {
    const settings = readWorkerOptions(options);
    this.#settings = settings;
    this.#queues = new JobQueues(settings.name, settings.store, settings, settings.onError);
    this.#places = new Places(settings.concurrency, (isFull) => {
      this.#filled(isFull);
    });
    this.#made = ignoreRejection(this.#start());
    this.#started = ignoreRejection(this.#made.then(() => this.#allReady()));
  }

  /** Where the threads lie whose turns this worker runs. */
  get host(): string {
    return this.#settings.host;
  }

  /** How many turns it runs, or waits with for their thread, at this moment. */
  get running(): number {
    return this.#places.taken;
  }

  /**
   * Resolves when the worker takes jobs.
   *
   * @throws MissingDependencyError without `bullmq`.
   */
  ready(): Promise<void> {
    return this.#started;
  }

  /**
   * Takes no more jobs, waits for those that run for `drainMs` (default 0), gives the others back, whose turns go on in
   * their servers and are followed by another worker, and resolves when it has let go of everything. When the database
   * does not answer for `forceAfterMs` (default 10 s) behind that, it closes its connections by force and reports a
   * StoreUnavailableError to `onError`: its jobs go to other workers when their locks are over.
   *
   * @throws InvalidArgumentError
   */
  async close(options: CloseTurnWorkerOptions = {}): Promise<void> {
    checkOptions("close()", options, { drainMs: true, forceAfterMs: true });
    const { drainMs = 0, forceAfterMs = forceAfter } = options;
    checkFields({ drainMs, forceAfterMs }, { drainMs: waitTime, forceAfterMs: waitTime });
    this.#closed ??= this.#close(drainMs, forceAfterMs);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    const { store, name, host, hostAliveMs, rollouts } = this.#settings;
    const bullmq = await this.#queues.bullmq();
    if (this.#isStopped()) return;
    const context = {
      bullmq,
      store,
      queues: this.#queues,
      line: new ThreadLine(store, this.#queues),
      settings: this.#settings,
      moving: rollouts && new MovingThreads(store, rollouts),
      closing: this.#closing.signal,
    };
    await this.#live();
    if (this.#isStopped()) return;
    const known = new KnownHosts(store, name);
    this.#beat = setInterval(() => {
      void this.#live();
      if (rollouts) void this.#lookAfterDead(known, context).catch(this.#settings.onError);
    }, hostAliveMs / beatsPerLife);
    await known.dead(host).catch(this.#settings.onError);
    if (this.#isStopped()) return;
    for (const queue of [queueOf(name, host), name]) {
      this.#workers.push(new QueueWorker(queue, context, this.#places));
    }
  }

  async #allReady(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.ready()));
  }

  async #live(): Promise<void> {
    const { store, host, hostAliveMs, onError } = this.#settings;
    await store.hostIsAlive(host, hostAliveMs).catch(onError);
  }

  /** Takes the jobs that wait for hosts without a worker, as long as these have none. */
  async #lookAfterDead(known: KnownHosts, context: RunContext): Promise<void> {
    const { name, host } = this.#settings;
    const dead = new Set((await known.dead(host)).map((each) => queueOf(name, each)));
    if (this.#isStopped()) return;
    for (const [queue, worker] of this.#rescuers) {
      if (dead.has(queue)) continue;
      this.#rescuers.delete(queue);
      // What it runs may take long.
      const left = worker.close().catch(this.#settings.onError);
      this.#leaving.add(worker);
      void left.then(() => this.#leaving.delete(worker));
    }
    for (const queue of dead) {
      if (this.#rescuers.has(queue) || this.#isStopped()) continue;
      this.#rescuers.set(queue, new QueueWorker(queue, context, this.#places));
    }
  }

  #isStopped(): boolean {
    return this.#stopping;
  }

  #filled(isFull: boolean): void {
    if (this.#isStopped()) return;
    for (const worker of [...this.#workers, ...this.#rescuers.values()]) {
      if (isFull) worker.pause();
      else worker.resume();
    }
  }

  async #close(drainMs: number, forceAfterMs: number): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#beat);
    await this.#made.catch(() => undefined);
    const all = [...this.#workers, ...this.#rescuers.values(), ...this.#leaving];
    const closed = Promise.all(all.map((worker) => worker.close()));
    if (drainMs > 0) await settleWithin(closed, drainMs);
    this.#closing.abort();
    const hasAnswered = await closeWithin(closed, forceAfterMs, () => {
      this.#settings.onError(closedByForce(forceAfterMs));
      for (const worker of all) worker.cut();
    });
    await this.#queues.close(hasAnswered ? forceAfterMs : 0);
  }
}
