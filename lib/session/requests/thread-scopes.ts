import { callerContext, type CallerContext } from "../../async/caller-context.js";
import type { Tool } from "../../tools/tool.js";
import type { RequestHandlers } from "../../server-requests/handlers.js";
import { handlersByMethod, type MethodHandler } from "../../server-requests/handlers-by-method.js";

/** Who answers for a thread. A handle keeps one object of this kind for as long as it lives. */
export interface ThreadScope {
  readonly handlers?: RequestHandlers | undefined;
  readonly tools?: readonly Tool[] | undefined;
  /** The context in which they were given. */
  readonly context?: CallerContext | undefined;
}

/** What a handle is given now; undefined when that is nothing. */
export function threadScope({ handlers, tools }: ThreadScope): ThreadScope | undefined {
  return handlers || tools ? { handlers, tools, context: callerContext() } : undefined;
}

/** What all handles of one thread have given, the newest in front. */
interface Entry {
  handlers: ReadonlyMap<string, MethodHandler>;
  tools: readonly Tool[] | undefined;
}

/** As many of the latest threads are kept, loaded or not: one may be about to be loaded. */
const kept = 1_024;

/**
 * The handlers and tools of threads. Handlers are kept by the method that they answer, however they
 * were given: what a newer handle of the thread names, it answers instead of the older ones, and the
 * kinds of request that it leaves out keep the older handle's handler. A handle becomes part of this
 * when it is first used, and using it again changes nothing.
 *
 * It outlives the connection, so that a thread has its handlers still when a server that died was
 * replaced, whichever handle is used then.
 */
export class ThreadScopes {
  /** Says which threads the connection of this moment has loaded. */
  isLoaded: (threadId: string) => boolean = () => false;
  readonly #entries = new Map<string, Entry>();
  /** Where each handle's scope went. It brings back what newer handles said if the thread was dropped. */
  readonly #bound = new WeakMap<ThreadScope, Entry>();
  #maxSize = 2 * kept;

  get size(): number {
    return this.#entries.size;
  }

  has(threadId: string): boolean {
    return this.#entries.has(threadId);
  }

  handlerOf(threadId: string, method: string): MethodHandler | undefined {
    return this.#entries.get(threadId)?.handlers.get(method);
  }

  toolsOf(threadId: string): readonly Tool[] | undefined {
    return this.#entries.get(threadId)?.tools;
  }

  /** To be called whenever a handle is used; merges no scope twice. */
  bind(threadId: string, scope: ThreadScope): void {
    const before = this.#bound.get(scope);
    const entry = this.#entries.get(threadId) ??
      before ?? { handlers: new Map(), tools: undefined };
    if (!before) {
      putOver(entry, { handlers: handlersByMethod(scope), tools: scope.tools });
    } else if (before !== entry) {
      // The thread was dropped, and newer handles have been used since.
      putOver(before, entry);
      Object.assign(entry, before);
    }
    this.#bound.set(scope, entry);
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

function putOver(older: Entry, newer: Entry): void {
  older.handlers = new Map([...older.handlers, ...newer.handlers]);
  older.tools = newer.tools ?? older.tools;
}
