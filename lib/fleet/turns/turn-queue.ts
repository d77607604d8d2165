import { createHash, randomBytes } from "node:crypto";
import type { JobsOptions } from "bullmq";
import { checkOptions } from "../../errors/check-options.js";
import { check, checkText } from "../../errors/check-values.js";
import { TurnJobConflictError } from "../../index.js";
import { waitTime } from "../pool/pool-options.js";
import { forceAfter, JobQueues } from "./job-queues.js";
import { outcomeOf } from "./job-outcome.js";
import { TurnJob } from "./turn-job.js";
import { readQueueOptions, type TurnQueueOptions } from "./turn-queue-options.js";
import {
  factsOf,
  readTurnRequest,
  type AddTurnJobOptions,
  type TurnJobSettings,
  type TurnRequest,
} from "./turn-request.js";

const day = 24 * 3_600;
/** How long BullMQ keeps jobs that are over, unless told otherwise (s), and how many. */
const keptDone = { age: day, count: 10_000 };
const keptFailed = { age: 7 * day, count: 10_000 };

/**
 * Turns as jobs of BullMQ: any machine adds them, and workers (`TurnWorker`) run them. Turns of one thread run one
 * after the other, in the order in which they were added.
 *
 * ```ts
 * const queue = new TurnQueue({ store, connection: { host: "redis" } });
 * const job = await queue.add({ newThread: { cwd: "/repo" }, input: "Why does the build fail?" });
 * const { finalResponse } = await job.result();
 * ```
 */
export class TurnQueue implements AsyncDisposable {
  readonly #settings: ReturnType<typeof readQueueOptions>;
  readonly #queues: JobQueues;

  /** Connects to nothing yet. @throws InvalidArgumentError */
  constructor(options: TurnQueueOptions) {
    const settings = readQueueOptions(options);
    this.#settings = settings;
    this.#queues = new JobQueues(settings.name, settings.store, settings, settings.onError);
  }

  /**
   * Adds a turn, and resolves once the database has it.
   *
   * @throws InvalidArgumentError for what cannot work, or cannot travel as JSON; TurnJobConflictError when the
   * `idempotencyKey` belongs to another turn; MissingDependencyError without `bullmq`.
   */
  async add(options: AddTurnJobOptions): Promise<TurnJob> {
    const request = readTurnRequest(options);
    this.#queues.throwIfClosed();
    const { idempotencyKey, job = {} } = options;
    await this.#queues.bullmq();
    const id = idempotencyKey === undefined ? newId() : idOf(idempotencyKey);
    const place = idempotencyKey === undefined ? undefined : await this.#queues.placeOf(id);
    if (place && place.digest !== request.digest) throw new TurnJobConflictError(id);
    const handle = new TurnJob(id, this.#queues);
    if (place && (await outcomeOf(this.#settings.store, id))) return handle;
    const queue = place?.queue ?? (await this.#queues.queueFor(request.thread));
    if (!place) await this.#prepare(id, queue, request, job.delay ?? 0);
    const kept = { removeOnComplete: keptDone, removeOnFail: keptFailed };
    await this.#queues.add(queue, id, request, { ...kept, ...withoutUndefined(job) });
    if (idempotencyKey !== undefined) await this.#checkContent(id, queue, request);
    return handle;
  }

  /** The handle of a job that was added anywhere. It asks nothing: whether there is such a job, its methods tell. */
  job(id: string): TurnJob {
    checkText("id", id);
    return new TurnJob(id, this.#queues);
  }

  /**
   * Closes the connections that the queue has made, by force when the database does not answer for `forceAfterMs`
   * (default 10 s). The store is the caller's.
   *
   * @throws InvalidArgumentError
   */
  async close(options: { readonly forceAfterMs?: number | undefined } = {}): Promise<void> {
    checkOptions("close()", options, { forceAfterMs: true });
    const { forceAfterMs = forceAfter } = options;
    check("forceAfterMs", forceAfterMs, waitTime);
    await this.#queues.close(forceAfterMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The job has its place, and viewers may come, before a worker can have it. */
  async #prepare(id: string, queue: string, request: TurnRequest, delay: number): Promise<void> {
    const { store, limits } = this.#settings;
    const { thread, owner, digest } = request;
    await this.#queues.place(id, { queue, digest });
    if (thread === null) return;
    await store.streams.create(id, factsOf(owner, thread), limits);
    if (delay === 0) await store.joinLine(thread, id);
  }

  /** Two callers may have added different turns under one key at the same moment; BullMQ has kept the first. */
  async #checkContent(id: string, queue: string, { digest }: TurnRequest): Promise<void> {
    const job = await this.#queues.find(id);
    if (!job || job.data.digest === digest) return;
    await this.#queues.place(id, { queue, digest: job.data.digest });
    throw new TurnJobConflictError(id);
  }
}

function withoutUndefined(job: TurnJobSettings): JobsOptions {
  return Object.fromEntries(Object.entries(job).filter(([, value]) => value !== undefined));
}

function newId(): string {
  return randomBytes(16).toString("base64url");
}

/** BullMQ takes no ids with colons, or of digits only. */
function idOf(key: string): string {
  return `k${createHash("sha256").update(key).digest("base64url")}`;
}
