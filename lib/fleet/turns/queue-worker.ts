import type { Job, Worker, WorkerOptions } from "bullmq";
import { randomBytes } from "node:crypto";
import { orAborted } from "../../async/abort.js";
import { bullOptions } from "./job-queues.js";
import { Lease } from "./lease.js";
import { park, parkedMs, returnToQueue } from "./park-job.js";
import type { Places } from "./places.js";
import type { RunContext } from "./run-context.js";
import { isTurnRequest } from "./turn-request.js";
import { TurnRun } from "./turn-run.js";

/**
 * BullMQ counts how often a job's worker has died, and gives up at some number. A turn is not sent twice however often
 * that happens, so there is no need to.
 */
const maxStalledCount = 1_000_000;

/** Takes the jobs of one queue, as long as the worker has places. */
export class QueueWorker {
  readonly name: string;
  readonly #context: RunContext;
  readonly #places: Places;
  readonly #worker: Worker;
  readonly #leases = new Map<string, Lease>();
  /** Whether the database was ever there: what waits for that cannot be closed with patience. */
  #wasReady = false;
  /** Aborts when the database is not waited for any more. */
  readonly #cut = new AbortController();

  constructor(name: string, context: RunContext, places: Places) {
    this.name = name;
    this.#context = context;
    this.#places = places;
    const { bullmq, settings } = context;
    const { concurrency, lockDuration, stalledInterval } = settings;
    const [shared, factory] = bullOptions(bullmq, settings);
    const options: WorkerOptions = {
      runRetryDelay: 1_000,
      maxStalledCount,
      ...shared,
      concurrency,
      lockDuration,
      stalledInterval,
    };
    const process = (job: Job, token = ""): Promise<unknown> => this.#process(job, token);
    this.#worker = new bullmq.Worker(name, process, options, factory);
    this.#worker.on("error", settings.onError);
    this.#worker.waitUntilReady().then(
      () => (this.#wasReady = true),
      // Whoever waits for it hears of it.
      () => undefined,
    );
    this.#worker.on("lockRenewalFailed", (jobIds) => {
      for (const id of jobIds) this.#leases.get(id)?.lose();
    });
    if (places.isFull) this.pause();
  }

  async ready(): Promise<void> {
    await this.#worker.waitUntilReady();
  }

  /** Takes no jobs until `resume()`; those that run go on. */
  pause(): void {
    void this.#worker.pause(true);
  }

  resume(): void {
    void this.#worker.resume();
  }

  /** Resolves when the jobs that run have ended, or were given back. */
  async close(): Promise<void> {
    await this.#worker.close(!this.#wasReady);
  }

  /** Leaves the jobs as they are, to whoever takes them when their locks are over, and closes the connections. */
  cut(): void {
    this.#cut.abort(new this.#context.bullmq.WaitingError());
    this.#worker.disconnect().catch(this.#context.settings.onError);
  }

  async #process(job: Job, token: string): Promise<unknown> {
    const leave = this.#places.take();
    // It came in the moment in which the last place was taken by a job of another queue.
    if (!leave) return await returnToQueue(this.#context, job, token);
    const { lockDuration, onError } = this.#context.settings;
    const holder = `${token}:${randomBytes(6).toString("base64url")}`;
    const lease = new Lease(job, token, holder, lockDuration);
    const id = job.id ?? "";
    this.#leases.set(id, lease);
    try {
      if (!isTurnRequest(job.data)) {
        onError(new Error(unreadable(id, job.queueName)));
        return await park({ context: this.#context, lease }, parkedMs);
      }
      return await orAborted(new TurnRun(this.#context, lease).run(), this.#cut.signal);
    } finally {
      if (this.#leases.get(id) === lease) this.#leases.delete(id);
      leave();
    }
  }
}

function unreadable(jobId: string, queue: string): string {
  return (
    `The job ${jobId} of the queue ${queue} is no turn that this version of the library can read, so it is left to ` +
    "other workers. Update this worker, or give it a queue of its own."
  );
}
