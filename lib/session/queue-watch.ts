import { onDeadline } from "../async/deadline.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { fieldOf } from "../messages/field-of.js";
import type { TurnSlots } from "./turn-slots.js";
import { wasInterrupted } from "../messages/thread-status.js";

/** How long the server may take to start a queued turn (ms). It takes a few milliseconds. */
const startGraceMs = 3_000;

/** The same where the server never tells what is queued (ms). */
const blindGraceMs = 250;

/**
 * Gives the ids of what is queued on the thread; undefined where the server never tells. Rejects when it does
 * not tell this time.
 */
export type ListQueue = () => Promise<readonly string[] | undefined>;

/** What is known of a queue that may hold something. */
interface Watched {
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
  #watched: Watched | undefined;

  constructor(slots: TurnSlots, list: ListQueue) {
    this.#slots = slots;
    this.#list = list;
  }

  /** Whether nothing is queued, as far as is known. */
  get isIdle(): boolean {
    return this.#watched === undefined;
  }

  /**
   * Learns from a request that is about to be sent. Returns what to call with its answer, or with
   * nothing when it fails.
   */
  asked(method: string): ((result?: unknown) => void) | undefined {
    // What goes behind a turn that runs, the notification will tell.
    if (method !== "thread/queue/add" || this.#slots.isRunning) return undefined;
    const watched = this.#watch();
    this.#hold(watched);
    watched.adding += 1;
    const { starts } = watched;
    return (result) => {
      const id = fieldOf(result, "queuedSubmission", "id");
      void this.#look(watched).then((queued) => {
        watched.adding -= 1;
        // Gone from the queue, though it has only just been put there: its turn is about to start.
        const isGone = typeof id === "string" && !queued.includes(id);
        if (isGone && watched.starts === starts) this.#expect(watched, undefined);
        this.#settle(watched);
      });
    };
  }

  look(): void {
    void this.#look(this.#watch());
  }

  /** Learns from a notification of the thread, before the slots do. */
  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "thread/queue/changed": {
        const watched = this.#watch();
        watched.changes += 1;
        void this.#look(watched);
        break;
      }
      case "turn/completed": {
        const watched = this.#watched;
        // Unless it is known that nothing is queued, a turn may follow the one that has ended.
        const mayContinue = watched?.queued === true || watched?.looking !== undefined;
        if (watched && mayContinue && !wasInterrupted(message)) {
          this.#hold(watched);
          this.#expect(watched, watched.changes);
        }
        break;
      }
      case "turn/started": {
        const watched = this.#watched;
        if (!watched) return;
        watched.starts += 1;
        // In this order, so that nobody slips in between.
        this.#slots.setRunning(true);
        release(watched);
        this.#settle(watched);
      }
    }
  }

  /** The thread is no longer loaded, nothing is heard of it any more, or the connection is over. */
  forget(): void {
    const watched = this.#watched;
    if (watched) release(watched);
    this.#watched = undefined;
  }

  /** Looks at the queue, and once more whenever it has changed meanwhile. Never rejects. */
  #look(watched: Watched): Promise<readonly string[]> {
    watched.fresh = false;
    watched.looking ??= this.#lookUntilFresh(watched);
    return watched.looking;
  }

  async #lookUntilFresh(watched: Watched): Promise<readonly string[]> {
    let queued: readonly string[] | undefined;
    while (!watched.fresh) {
      watched.fresh = true;
      watched.graceMs = startGraceMs;
      try {
        queued = await this.#list();
        if (queued === undefined) watched.graceMs = blindGraceMs;
      } catch {
        // A server that is slow to answer may have something queued all the same.
        queued = undefined;
      }
    }
    watched.looking = undefined;
    watched.assumed = queued === undefined;
    watched.queued = queued === undefined || queued.length > 0;
    this.#settle(watched);
    return queued ?? [];
  }

  /** Draws the conclusions from what is known by now. */
  #settle(watched: Watched): void {
    if (watched.adding > 0 || watched.looking) return;
    const expected = watched.hold?.expected;
    const nothingComes =
      !expected || (!watched.queued && expected.unlessEmptyAt === watched.changes);
    if (nothingComes) release(watched);
    const isDone = !watched.queued && !watched.hold;
    if (isDone && this.#watched === watched) this.#watched = undefined;
  }

  #hold(watched: Watched): void {
    watched.hold ??= {
      open: this.#slots.reserve(),
      expected: undefined,
      stopDeadline: undefined,
    };
  }

  #expect(watched: Watched, unlessEmptyAt: number | undefined): void {
    const { hold } = watched;
    if (!hold) return;
    hold.expected = { unlessEmptyAt };
    hold.stopDeadline?.();
    const giveUp = (): void => {
      hold.expected = undefined;
      if (watched.assumed) watched.queued = false;
      this.#settle(watched);
    };
    hold.stopDeadline = onDeadline(watched.graceMs, giveUp, { unref: true });
  }

  #watch(): Watched {
    this.#watched ??= {
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
    return this.#watched;
  }
}

function release(watched: Watched): void {
  watched.hold?.stopDeadline?.();
  watched.hold?.open();
  watched.hold = undefined;
}
