import type { NotificationMessage } from "../jsonrpc/message.js";
import { threadIdOf } from "../messages/message-ids.js";
import { ThreadState } from "./thread-state.js";

/** As many of the latest threads are kept that nobody here uses: a server may tell of ever more. */
const kept = 4_096;

/** So many are forgotten at a time. */
const batch = 1_024;

type ListQueue = (threadId: string) => Promise<readonly string[] | undefined>;

/**
 * The threads that a connection knows of, by id. When there are many that nobody uses, it forgets the oldest
 * of these.
 */
export class Threads {
  readonly #states = new Map<string, ThreadState>();
  /** One for all of them. */
  readonly #find = (threadId: string): ThreadState | undefined => this.#states.get(threadId);
  readonly #listQueue: ListQueue;
  #maxSize = kept + batch;

  constructor(listQueue: ListQueue) {
    this.#listQueue = listQueue;
  }

  get size(): number {
    return this.#states.size;
  }

  [Symbol.iterator](): IterableIterator<[string, ThreadState]> {
    return this.#states[Symbol.iterator]();
  }

  find(threadId: string): ThreadState | undefined {
    return this.#states.get(threadId);
  }

  /** The thread's state. Ask again after a pause: one that nobody uses may be forgotten. */
  open(threadId: string): ThreadState {
    const known = this.#states.get(threadId);
    if (known) return known;
    // Before it is there: nobody uses it yet.
    if (this.#states.size >= this.#maxSize) this.#forgetOldest();
    const state = new ThreadState({
      listQueue: () => this.#listQueue(threadId),
      find: this.#find,
    });
    this.#states.set(threadId, state);
    return state;
  }

  /** The same, and the thread is as one that is new: of those that nobody uses, it is forgotten last. */
  renew(threadId: string): ThreadState {
    const state = this.open(threadId);
    this.#states.delete(threadId);
    this.#states.set(threadId, state);
    return state;
  }

  idsOf(applies: (state: ThreadState) => boolean): readonly string[] {
    return [...this.#states].filter(([, state]) => applies(state)).map(([id]) => id);
  }

  observe(message: NotificationMessage): void {
    const threadId = threadIdOf(message);
    if (threadId === undefined) return;
    const state = message.method === "turn/started" ? this.renew(threadId) : this.open(threadId);
    state.observe(message);
    this.tidy(threadId);
  }

  /** Forgets a thread of which nothing is known any more. */
  tidy(threadId: string): void {
    if (this.#states.get(threadId)?.isBlank) this.#states.delete(threadId);
  }

  /** The connection is back: of the turns that ended meanwhile, nothing was told. */
  restored(): void {
    for (const [threadId, state] of this.#states) {
      state.restored();
      this.tidy(threadId);
    }
  }

  /** The connection is over. */
  close(): void {
    for (const state of this.#states.values()) state.lost();
  }

  /** Many at a time: a map finds its oldest entry the more slowly, the more it has just lost. */
  #forgetOldest(): void {
    const unused = [...this.#states].filter(([, state]) => !state.isUsed);
    for (const [threadId, state] of unused.slice(0, -kept)) {
      state.lost();
      this.#states.delete(threadId);
    }
    this.#maxSize = this.#states.size + batch;
  }
}
