import { onDeadline } from "../async/deadline.js";
import { inParallel } from "../async/in-parallel.js";
import type { Call } from "./call.js";
import type { RequestDispatcher } from "./requests/dispatcher.js";
import type { SubagentTree } from "./subagent-tree.js";
import { isThreadAtRest } from "./thread-at-rest.js";
import type { Threads } from "./threads.js";

/** What is asked of the session whose threads they are. */
interface ThreadsSession {
  readonly threads: Threads;
  readonly requests: RequestDispatcher;
  readonly connection: { readonly isDown: boolean };
  readonly call: Call;
  isLoaded(threadId: string): boolean;
}

/** How often the threads are looked at, at the most and at the least (ms), if they may be idle for long. */
const maxPauseMs = 60_000;
const minPauseMs = 20;

/** How many threads are let go of at a time: each costs five requests. */
const atOnce = 4;

/** How long each answer may take (ms). */
const timeoutMs = 10_000;

/**
 * Unsubscribes from the threads that nobody has used for a while (`thread/unsubscribe`), so that the server can unload
 * them: each costs it more than a megabyte. The next use loads the thread again, as it does after a loss.
 *
 * What is known here says which threads may be idle. Of these the server is asked for what only it knows: whether
 * something is queued, a goal active, or a command running in the background. One timer serves all threads.
 */
export class IdleThreads {
  readonly #session: ThreadsSession;
  readonly #subagents: SubagentTree;
  readonly #idleMs: number;
  #stopTimer: (() => void) | undefined;
  #isOver = false;

  constructor(session: ThreadsSession, subagents: SubagentTree, idleMs: number) {
    this.#session = session;
    this.#subagents = subagents;
    this.#idleMs = idleMs;
  }

  /** A thread was loaded: they are looked at from now on, as long as there are any. */
  watch(): void {
    if (this.#stopTimer || this.#isOver) return;
    const pauseMs = Math.max(minPauseMs, Math.min(maxPauseMs, this.#idleMs / 4));
    const look = (): void => {
      void this.#look().then(() => {
        this.#stopTimer = undefined;
        if (this.#session.threads.idsOf(({ isLoaded }) => isLoaded).length > 0) this.watch();
      });
    };
    this.#stopTimer = onDeadline(pauseMs, look, { unref: true });
  }

  /** The connection is over. */
  close(): void {
    this.#isOver = true;
    this.#stopTimer?.();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    if (this.#session.connection.isDown) return;
    const { threads } = this.#session;
    const idle = threads.idsOf(({ isLoaded, use }) => isLoaded && use.idleMs >= this.#idleMs);
    if (idle.length === 0) return;
    const alive = this.#alive();
    const free = idle.filter((id) => this.#isFree(id, alive));
    await inParallel(free, atOnce, (id) => this.#release(id));
  }

  /** Never rejects. */
  async #release(threadId: string): Promise<void> {
    const { use } = this.#session.threads.open(threadId);
    const { count } = use;
    const isAtRest = await isThreadAtRest((...args) => this.#session.call(...args), threadId);
    if (this.#isOver || this.#session.connection.isDown) return;
    const thread = this.#session.threads.find(threadId);
    // From here to the request, nothing comes in between.
    if (thread?.use !== use || use.count !== count || !this.#isFree(threadId, this.#alive()))
      return;
    if (!isAtRest) {
      // To be asked again when it has been idle for as long once more.
      use.touch();
      return;
    }
    const agents = this.#agentsOf(threadId);
    await thread.release(() => this.#unsubscribe(threadId));
    this.#session.threads.tidy(threadId);
    // The server has subscribed this client to them, and would keep them for ever.
    for (const agent of agents) await this.#unsubscribe(agent).catch(() => undefined);
  }

  async #unsubscribe(threadId: string): Promise<void> {
    await this.#session.call("thread/unsubscribe", { threadId }, { timeoutMs });
  }

  /** The threads of the sub-agents that were started for a thread, but for those that this client has resumed itself. */
  #agentsOf(threadId: string): readonly string[] {
    const others = this.#session.threads.idsOf(({ isLoaded, parent }) => !isLoaded && !!parent);
    return others.filter((id) => this.#subagents.isBelow(id, threadId));
  }

  /** Whether this client could let go of the thread, as far as is known here. */
  #isFree(threadId: string, alive: ReadonlySet<string>): boolean {
    const thread = this.#session.threads.find(threadId);
    if (!thread?.isLoaded || thread.isInUse || !thread.use.mayBeUnloaded) return false;
    if (alive.has(threadId)) return false;
    // A sub-agent's thread stays as long as that of its parent.
    const family = [...this.#subagents.lineage(threadId, undefined)].slice(1);
    return !family.some(({ threadId: id }) => this.#session.isLoaded(id));
  }

  /** Threads that wait for an answer of ours, or have sub-agents that run or wait for one. */
  #alive(): ReadonlySet<string> {
    const { threads, requests } = this.#session;
    const busy = threads.idsOf(({ slots }) => slots.isBusy);
    const asking = requests.pending().flatMap(({ threadId }) => threadId ?? []);
    const families = [...busy, ...asking].flatMap((id) => [
      ...this.#subagents.lineage(id, undefined),
    ]);
    return new Set(families.map(({ threadId }) => threadId));
  }
}
