import { Quota } from "./quota.js";
import { ThreadState } from "./thread-state.js";

/** As many of the latest threads are kept that nobody here uses: a server may tell of ever more. */
const kept = 4_096;

/** So many are forgotten at a time. */
const batch = 1_024;

/** Each watched queue costs requests; a server that names ever more threads must not make them pile up. */
const maxWatched = 1_024;

/** What the states of threads need of their session. */
interface ThreadsContext {
  readonly listQueue: (threadId: string) => Promise<readonly string[] | undefined>;
  readonly unsubscribed: (threadId: string) => void;
}

/** The threads that a connection knows of, by id. It forgets the oldest that nobody uses when there are many. */
export class Threads {
  readonly #states = new Map<string, ThreadState>();
  readonly #context: ThreadsContext;
  readonly #queues = new Quota(maxWatched);
  readonly #goals = new Quota(maxWatched);
  #maxSize = kept + batch;

  constructor(context: ThreadsContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#states.size;
  }

  /** The thread's state, if there is one. */
  find(threadId: string): ThreadState | undefined {
    return this.#states.get(threadId);
  }

  /** The thread's state. Ask again after a pause: one that nobody uses may be forgotten. */
  open(threadId: string): ThreadState {
    const known = this.#states.get(threadId);
    if (known) return known;
    const state = new ThreadState({
      listQueue: () => this.#context.listQueue(threadId),
      unsubscribed: () => {
        this.#context.unsubscribed(threadId);
      },
      queues: this.#queues,
      goals: this.#goals,
    });
    this.#states.set(threadId, state);
    if (this.#states.size > this.#maxSize) this.#forgetOldest();
    return state;
  }

  /** The ids of those to which `applies`. */
  idsOf(applies: (state: ThreadState) => boolean): readonly string[] {
    return [...this.#states].filter(([, state]) => applies(state)).map(([id]) => id);
  }

  /** Forgets a thread of which nothing is known any more. */
  tidy(threadId: string): void {
    const state = this.#states.get(threadId);
    if (state && !state.isUsed && !state.slots.isRunning) this.#states.delete(threadId);
  }

  /** The connection is over. */
  close(): void {
    for (const state of this.#states.values()) state.lost();
  }

  /** Many at a time: a map finds its oldest entry the more slowly, the more it has just lost. */
  #forgetOldest(): void {
    for (const [threadId, state] of this.#states) {
      if (this.#states.size <= kept) break;
      if (state.isUsed) continue;
      state.lost();
      this.#states.delete(threadId);
    }
    this.#maxSize = Math.max(kept, this.#states.size) + batch;
  }
}
