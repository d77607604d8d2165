import type { BackendFactory, Job, JobsOptions, Queue, QueueOptions } from "bullmq";
import { BoundedMap } from "../../async/bounded-map.js";
import { StoreUnavailableError } from "../../index.js";
import type { FleetStore } from "../store/fleet-store.js";
import { closeWithin } from "./close-within.js";
import { loadBullMq, type BullMq } from "./load-bullmq.js";
import type { TurnRequest } from "./turn-request.js";

/** Where BullMQ keeps its jobs. */
export interface QueueBackend {
  /** The connection to Redis, or options for it, as BullMQ takes them. */
  readonly connection?: object | undefined;
  /** A `pg.Pool`, its options or a connection string, for BullMQ's PostgreSQL backend. */
  readonly postgres?: object | string | undefined;
  /** More options of BullMQ's queues and workers, such as `prefix` or `telemetry`. */
  readonly bullmq?: object | undefined;
}

type AnyFactory = BackendFactory<never, unknown> | undefined;

/** The options and the backend that every class of BullMQ is made with. */
export function bullOptions(
  { createPostgresBackend }: Pick<BullMq, "createPostgresBackend">,
  { connection, postgres, bullmq = {} }: QueueBackend,
): [options: QueueOptions, factory: undefined] {
  // Its types tell the two backends apart at compile time, which is not known here.
  const factory: AnyFactory =
    postgres === undefined ? undefined : (createPostgresBackend as unknown as AnyFactory);
  const options = { ...bullmq, connection: connection ?? postgres } as QueueOptions;
  return [options, factory as undefined];
}

/** The name of the queue of jobs for one host. */
export function queueOf(name: string, host: string): string {
  return `${name}@${host}`;
}

/** What becomes of closing while the database is away. */
export function closedByForce(afterMs: number): StoreUnavailableError {
  return new StoreUnavailableError(
    `did not answer for ${afterMs} ms while its connections were to be closed, so they were closed by force. ` +
      "Turns of a worker go on in their servers; other workers take them when their locks are over.",
    true,
  );
}

export type TurnBullJob = Job<TurnRequest>;

/** Where a job is, and what it is: as long as the store remembers that, another one cannot take its id. */
export interface JobPlace {
  readonly queue: string;
  readonly digest: string;
}

const placeNote = "place";
const maxQueues = 1_000;

/** How long closing waits for a database that does not answer (ms). */
export const forceAfter = 10_000;

/**
 * The queues of a fleet: one for turns that may run anywhere, and one for each host, whose threads lie there. A job is
 * in one of them; the store knows in which.
 */
export class JobQueues {
  readonly name: string;
  readonly store: FleetStore;
  readonly #backend: QueueBackend;
  readonly #failed: (error: unknown) => void;
  readonly #queues = new BoundedMap<string, Queue<TurnRequest>>(maxQueues, (_name, queue) => {
    void queue.close().catch(this.#failed);
  });
  #bullmq: Promise<BullMq> | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    name: string,
    store: FleetStore,
    backend: QueueBackend,
    failed: (error: unknown) => void,
  ) {
    this.name = name;
    this.store = store;
    this.#backend = backend;
    this.#failed = failed;
  }

  /** @throws MissingDependencyError */
  bullmq(): Promise<BullMq> {
    this.#bullmq ??= loadBullMq();
    return this.#bullmq;
  }

  async queue(name: string): Promise<Queue<TurnRequest>> {
    const bullmq = await this.bullmq();
    const known = this.#queues.get(name);
    if (known) return known;
    this.throwIfClosed();
    const made = new bullmq.Queue<TurnRequest>(name, ...bullOptions(bullmq, this.#backend));
    made.on("error", this.#failed);
    this.#queues.set(name, made);
    return made;
  }

  /** The queue for a thread: that of its host, or the common one while its host is not known. */
  async queueFor(threadId: string | null): Promise<string> {
    const host = threadId === null ? undefined : await this.store.hostOf(threadId);
    return host === undefined ? this.name : queueOf(this.name, host);
  }

  /** Notes where a job is to be, before it is there or behind. */
  async place(id: string, place: JobPlace): Promise<void> {
    await this.store.note(id, placeNote, place);
  }

  /** Where a job is, if anybody knows. */
  async placeOf(id: string): Promise<JobPlace | undefined> {
    return (await this.store.noteOf(id, placeNote)) as JobPlace | undefined;
  }

  /** Adds a job, unless its queue has one of this id. */
  async add(
    queueName: string,
    id: string,
    request: TurnRequest,
    options: JobsOptions,
  ): Promise<void> {
    const queue = await this.queue(queueName);
    await queue.add("turn", request, { ...options, jobId: id }).catch((error: unknown) => {
      // What BullMQ says of a connection that was closed meanwhile tells nobody what to do.
      this.throwIfClosed();
      throw error;
    });
  }

  async find(id: string): Promise<TurnBullJob | undefined> {
    const place = await this.placeOf(id);
    const queue = await this.queue(place?.queue ?? this.name);
    return (await queue.getJob(id)) as TurnBullJob | undefined;
  }

  /** Wakes a job that is parked, so that it looks again whether it is its turn. */
  async wake(id: string): Promise<void> {
    const job = await this.find(id);
    if (!job || !(await job.isDelayed())) return;
    await job.promote().catch(async (error: unknown) => {
      // Somebody else was faster.
      if (await job.isDelayed()) throw error;
    });
  }

  throwIfClosed(): void {
    if (this.#closed) throw new Error("The queue is closed. Make another one.");
  }

  /** Resolves when all connections are closed: by force, where the database does not answer within `forceAfterMs`. */
  close(forceAfterMs: number): Promise<void> {
    this.#closed ??= this.#close(forceAfterMs);
    return this.#closed;
  }

  async #close(forceAfterMs: number): Promise<void> {
    const all = [...this.#queues.values()];
    this.#queues.clear();
    const closing = Promise.all(all.map((queue) => queue.close().catch(this.#failed)));
    await closeWithin(closing, forceAfterMs, () => {
      // Who asks for force at once knows already, as a worker does that has waited.
      if (forceAfterMs > 0) this.#failed(closedByForce(forceAfterMs));
      for (const queue of all) queue.disconnect().catch(this.#failed);
    });
  }
}
