import { pause } from "../../async/timers.js";
import type { FleetStore } from "../store/fleet-store.js";
import type { JobQueues } from "./job-queues.js";

/** A job takes its place before BullMQ has it; one that is not there after so long (ms) was never added, or removed. */
const addingMs = 500;
const never = new AbortController().signal;

/**
 * The line of the jobs of each thread: its first one runs, the others are parked. Whoever leaves wakes the next; a
 * first one that will never leave, since its job is over or gone, is put out by whoever waits behind it.
 */
export class ThreadLine {
  readonly #store: FleetStore;
  readonly #queues: JobQueues;

  constructor(store: FleetStore, queues: JobQueues) {
    this.#store = store;
    this.#queues = queues;
  }

  /** Takes a place, if the job has none, and tells whether it is the first. */
  async isFirst(threadId: string, jobId: string): Promise<boolean> {
    await this.#store.joinLine(threadId, jobId);
    return this.isItsTurn(threadId, jobId);
  }

  async isItsTurn(threadId: string, jobId: string): Promise<boolean> {
    for (;;) {
      const first = await this.#store.firstInLine(threadId);
      if (first === undefined || first === jobId) return true;
      if (!(await this.#isStale(first))) return false;
      await this.#store.leaveLine(threadId, first);
    }
  }

  async leave(threadId: string, jobId: string): Promise<void> {
    const next = await this.#store.leaveLine(threadId, jobId);
    if (next !== undefined && next !== jobId) await this.#queues.wake(next);
  }

  async #isStale(jobId: string): Promise<boolean> {
    const isOver = async (): Promise<boolean> => {
      const job = await this.#queues.find(jobId);
      if (!job) return true;
      const state = await job.getState();
      return state === "completed" || state === "failed" || state === "unknown";
    };
    if (!(await isOver())) return false;
    // It may be about to be added, or on its way from one queue to another.
    await pause(addingMs, never);
    return isOver();
  }
}
