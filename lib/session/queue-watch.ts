import { onDeadline } from "../async/deadline.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { threadIdOf } from "../messages/message-ids.js";
import type { TurnSlots } from "./turn-slots.js";
import { wasInterrupted } from "../messages/thread-status.js";

/** How long the server may take to start a queued turn (ms). It takes a few milliseconds. */
const startGraceMs = 3_000;

/** Each costs a request; a server that names ever more threads must not make them pile up. */
const maxThreads = 1_024;

/** The same where the server never tells what is queued (ms). */
const blindGraceMs = 250;

/**
 * Gives the ids of what is queued on a thread; undefined where the server never tells. Rejects when it does
 * not tell this time.
 */
export type ListQueue = (threadId: string) => Promise<readonly string[] | undefined>;

/** A thread whose queue may hold something. */
interface WatchedThread {
  readonly id: string;
  /** Whether something was queued when the queue was last looked at. */
  queued: boolean;
  /** Whether that is only assumed, since the server has not told it. */
  assumed: boolean;
  /** How long a queued turn is waited for (ms). */
  graceMs: number;
  /** How often the queue has changed, and how many turns have started. */
  changes: number;
  starts: number;
  /** Whether the queue has not changed since the last look, or the one that is under way. */
  fresh: boolean;
  looking: Promise<readonly string[]> | undefined;
  /** How many requests are under way that may start a queued turn. */
  adding: number;
  /** There while handles are kept waiting for a queued turn that may start. */
  hold: Hold | undefined;
}

interface Hold {
  /** Opens the slots again. */
  readonly open: () => void;
  /** A turn is to be expected, unless the queue turns out to be empty at this count of changes. */
  expected: { readonly unlessEmptyAt: number | undefined } | undefined;
  stopDeadline: (() => void) | undefined;
}

/**
 * Keeps the turns of handles apart from those that the server starts from a thread's queue.
 *
 * It starts one as soon as a turn has ended or something was queued, and says so a moment later. A
 * `turn/start` that is sent in between becomes part of the queued turn. So in such a moment the
 * thread's slot is reserved until the queued turn has started, or is known not to come. What is
 * queued the server tells only when asked, and asking costs a request for each change; of threads
 * whose queue nobody uses, nothing is asked and nothing kept. What loading a thread begins is the
 * business of `LoadWatch`.
 */
export class QueueWatch {
  readonly #slots: TurnSlots;
  readonly #list: ListQueue;
  readonly #threads = new Map<string, WatchedThread>();

  constructor(slots: TurnSlots, list: ListQueue) {
    this.#slots = slots;
    this.#list = list;
  }

  /** How many threads may have something queued. */
  get size(): number {
    return this.#threads.size;
  }

  /**
   * Learns from a request that is about to be sent. Returns what to call with its answer, or with
   * nothing when it fails.
   */
  asked(method: string, params: unknown): (result?: unknown) => void {
    const threadId = stringIn(params, "threadId");
    if (threadId === undefined) return noop;
    switch (method) {
      case "thread/queue/add":
        return this.#askedToAdd(threadId);
      case "thread/unsubscribe":
      case "thread/archive":
      case "thread/delete":
        return (result) => {
          if (result !== undefined) this.forget(threadId);
        };
      default:
        return noop;
    }
  }

  /** Something may be queued on the thread. */
  look(threadId: string): void {
    void this.#look(this.#watch(threadId));
  }

  /** Learns from a notification, before the slots does. */
  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "thread/queue/changed": {
        const threadId = threadIdOf(message);
        if (threadId === undefined) return;
        if (this.#threads.size >= maxThreads && !this.#threads.has(threadId)) return;
        const thread = this.#watch(threadId);
        thread.changes += 1;
        void this.#look(thread);
        break;
      }
      case "turn/completed": {
        const thread = this.#threads.get(threadIdOf(message) ?? "");
        if (thread && mayContinue(thread) && !wasInterrupted(message)) {
          this.#hold(thread);
          this.#expect(thread, thread.changes);
        }
        break;
      }
      case "turn/started": {
        const thread = this.#threads.get(threadIdOf(message) ?? "");
        if (!thread) return;
        thread.starts += 1;
        // In this order, so that nobody slips in between.
        this.#slots.setRunning(thread.id, true);
        this.#release(thread);
        this.#settle(thread);
        break;
      }
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.forget(threadIdOf(message) ?? "");
        break;
    }
  }

  /** The thread is no longer loaded, or nothing is heard of it any more. */
  forget(threadId: string): void {
    const thread = this.#threads.get(threadId);
    if (!thread) return;
    this.#release(thread);
    this.#threads.delete(threadId);
  }

  /** The connection is over. */
  close(): void {
    for (const threadId of [...this.#threads.keys()]) this.forget(threadId);
  }

  #askedToAdd(threadId: string): (result?: unknown) => void {
    // It goes behind the turn that runs; the notification will tell.
    if (this.#slots.isRunning(threadId)) return noop;
    const thread = this.#watch(threadId);
    this.#hold(thread);
    thread.adding += 1;
    const { starts } = thread;
    return (result) => {
      const { queuedSubmission } = (result ?? {}) as { queuedSubmission?: unknown };
      const id = stringIn(queuedSubmission, "id");
      void this.#look(thread).then((queued) => {
        thread.adding -= 1;
        // Gone from the queue, though it has only just been put there: its turn is about to start.
        const begins = id !== undefined && !queued.includes(id) && thread.starts === starts;
        if (begins) this.#expect(thread, undefined);
        this.#settle(thread);
      });
    };
  }

  /** Looks at the queue, and once more whenever it has changed meanwhile. Never rejects. */
  #look(thread: WatchedThread): Promise<readonly string[]> {
    thread.fresh = false;
    thread.looking ??= this.#lookUntilFresh(thread);
    return thread.looking;
  }

  async #lookUntilFresh(thread: WatchedThread): Promise<readonly string[]> {
    let queued: readonly string[] | undefined;
    while (!thread.fresh) {
      thread.fresh = true;
      thread.graceMs = startGraceMs;
      try {
        queued = await this.#list(thread.id);
        if (queued === undefined) thread.graceMs = blindGraceMs;
      } catch {
        // A server that is slow to answer may have something queued all the same.
        queued = undefined;
      }
    }
    thread.looking = undefined;
    thread.assumed = queued === undefined;
    thread.queued = queued === undefined || queued.length > 0;
    this.#settle(thread);
    return queued ?? [];
  }

  /** Draws the conclusions from what is known by now. */
  #settle(thread: WatchedThread): void {
    if (thread.adding > 0 || thread.looking) return;
    const expected = thread.hold?.expected;
    const nothingComes = !expected || (!thread.queued && expected.unlessEmptyAt === thread.changes);
    if (nothingComes) this.#release(thread);
    const isDone = !thread.queued && !thread.hold;
    if (isDone && this.#threads.get(thread.id) === thread) this.#threads.delete(thread.id);
  }

  #hold(thread: WatchedThread): void {
    thread.hold ??= {
      open: this.#slots.reserve(thread.id),
      expected: undefined,
      stopDeadline: undefined,
    };
  }

  #expect(thread: WatchedThread, unlessEmptyAt: number | undefined): void {
    const { hold } = thread;
    if (!hold) return;
    hold.expected = { unlessEmptyAt };
    hold.stopDeadline?.();
    const giveUp = (): void => {
      hold.expected = undefined;
      if (thread.assumed) thread.queued = false;
      this.#settle(thread);
    };
    hold.stopDeadline = onDeadline(thread.graceMs, giveUp, { unref: true });
  }

  #release(thread: WatchedThread): void {
    thread.hold?.stopDeadline?.();
    thread.hold?.open();
    thread.hold = undefined;
  }

  #watch(threadId: string): WatchedThread {
    const known = this.#threads.get(threadId);
    if (known) return known;
    const thread: WatchedThread = {
      id: threadId,
      queued: false,
      assumed: false,
      graceMs: startGraceMs,
      changes: 0,
      starts: 0,
      fresh: false,
      looking: undefined,
      adding: 0,
      hold: undefined,
    };
    this.#threads.set(threadId, thread);
    return thread;
  }
}

/** Unless it is known that nothing is queued, a turn may follow the one that has ended. */
function mayContinue(thread: WatchedThread): boolean {
  return thread.queued || thread.looking !== undefined;
}

function stringIn(value: unknown, key: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const field = (value as Record<string, unknown>)[key];
  return typeof field === "string" ? field : undefined;
}

function noop(): void {}
