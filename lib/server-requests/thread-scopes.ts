import type { Tool } from "../tools/tool.js";
import type { RequestHandlers } from "./handlers.js";

/** Who answers for a thread. A handle keeps one object of this kind for as long as it lives. */
export interface ThreadScope {
  readonly handlers?: RequestHandlers | undefined;
  readonly tools?: readonly Tool[] | undefined;
}

interface Entry {
  scope: ThreadScope;
  /** Those that were merged into it, so that an older handle does not come in front again. */
  readonly seen: WeakSet<ThreadScope>;
}

/** As many of the latest threads are kept, loaded or not: one may be about to be loaded. */
const kept = 1_024;

/**
 * The handlers and tools of threads. What a later handle of the same thread gives goes before what an
 * earlier one gave for the same kind of request; the rest stays. It outlives the connection, so that a
 * thread has them still when a server that died was replaced, whichever handle is used then.
 */
export class ThreadScopes {
  /** Says which threads the connection of this moment has loaded. */
  isLoaded: (threadId: string) => boolean = () => false;
  readonly #entries = new Map<string, Entry>();
  #maxSize = 2 * kept;

  get size(): number {
    return this.#entries.size;
  }

  of(threadId: string): ThreadScope | undefined {
    return this.#entries.get(threadId)?.scope;
  }

  /** To be called whenever a handle is used; merges no scope twice. */
  bind(threadId: string, scope: ThreadScope): void {
    const entry = this.#entries.get(threadId) ?? { scope, seen: new WeakSet([scope]) };
    if (!entry.seen.has(scope)) {
      entry.seen.add(scope);
      entry.scope = merge(entry.scope, scope);
    }
    this.#entries.delete(threadId);
    this.#entries.set(threadId, entry);
    if (this.#entries.size > this.#maxSize) this.#prune();
  }

  delete(threadId: string): void {
    this.#entries.delete(threadId);
  }

  /**
   * Drops the threads that are not loaded. Not as soon as the server says so: it says it of a thread
   * that is resumed at that very moment, too.
   */
  #prune(): void {
    for (const threadId of [...this.#entries.keys()].slice(0, -kept)) {
      if (!this.isLoaded(threadId)) this.#entries.delete(threadId);
    }
    this.#maxSize = 2 * Math.max(kept, this.#entries.size);
  }
}

function merge(older: ThreadScope, newer: ThreadScope): ThreadScope {
  const raw = { ...older.handlers?.handlers, ...newer.handlers?.handlers };
  return {
    handlers: { ...older.handlers, ...newer.handlers, handlers: raw },
    tools: newer.tools ?? older.tools,
  };
}
