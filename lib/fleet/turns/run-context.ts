import type { BullMq } from "./load-bullmq.js";
import type { JobQueues } from "./job-queues.js";
import type { FleetStore } from "../store/fleet-store.js";
import type { MovingThreads } from "./moving-threads.js";
import type { ThreadLine } from "./thread-line.js";
import type { WorkerSettings } from "./turn-worker-options.js";

/** What all jobs of a worker have in common. */
export interface RunContext {
  readonly bullmq: BullMq;
  readonly store: FleetStore;
  readonly queues: JobQueues;
  readonly line: ThreadLine;
  readonly settings: WorkerSettings;
  /** Undefined where threads stay on their host. */
  readonly moving: MovingThreads | undefined;
  /** Aborts when the worker closes: what runs is given back. */
  readonly closing: AbortSignal;
}
