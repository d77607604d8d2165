import { onDeadline } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";
import { Fifo } from "../async/fifo.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { threadIdOf } from "../messages/message-ids.js";
import { isAtRest } from "../messages/thread-status.js";

/** A turn's right to run on its thread. */
export interface Slot {
  /** Resolves when the turn may start. */
  readonly admitted: Promise<void>;
  /** Resolves when the turn that the server runs has ended; undefined when it runs none. */
  idle(): Promise<void> | undefined;
  /**
   * The same, and no turn is about to start either. To be asked again when it resolves: another turn may
   * have started.
   */
  clear(): Promise<void> | undefined;
  /** Gives the right back, or stops waiting for it. Calling it again does nothing. */
  leave(): void;
}

interface Entry extends Slot {
  state: "waiting" | "inside" | "left";
  readonly admit: () => void;
}

interface ThreadSlots {
  readonly waiting: Fifo<Entry>;
  inside: number;
  /** There while the server is about to start a turn, with how many say so; resolves when none does. */
  reserved: { readonly opened: Deferred<void>; by: number } | undefined;
  /** There while the server runs a turn here, of ours or of anybody's; resolves at its end. */
  running: Deferred<void> | undefined;
  /** Whether that is only supposed: something was asked that starts a turn. */
  supposed: boolean;
  /** There while the thread is idle, and the end of its turn has not been heard; stops waiting for it. */
  stopIdle: (() => void) | undefined;
}

/**
 * How long after its thread went idle the end of a turn may take to come (ms). It follows within a few
 * milliseconds; one that never comes must not keep the next turns waiting.
 */
const endGraceMs = 1_000;

/** A bound for servers that never say of a turn that it has ended. */
const maxThreads = 8_192;

/**
 * Lets one turn at a time onto a thread. The server treats a `turn/start` on a busy thread as
 * steering: both callers would share one turn without knowing. Turns that this client did not
 * start (goals, queues, other clients) count too, as far as the server tells of them.
 */
export class TurnSlots {
  readonly #threads = new Map<string, ThreadSlots>();

  /** Whether a turn runs on the thread, or waits to. */
  isBusy(threadId: string): boolean {
    return this.#threads.has(threadId);
  }

  /** Whether the server runs a turn on the thread, as far as is known. */
  isRunning(threadId: string): boolean {
    return this.runningUntil(threadId) !== undefined;
  }

  /** Resolves when the server runs no turn on the thread any more; undefined when it runs none. */
  runningUntil(threadId: string): Promise<void> | undefined {
    return this.#threads.get(threadId)?.running?.promise;
  }

  /** The threads on which the server runs a turn, as far as is known. */
  running(): readonly string[] {
    return [...this.#threads].filter(([, { running }]) => running).map(([threadId]) => threadId);
  }

  /** Waits for the turns before this one. With `wait: false`, goes in beside them. */
  enter(threadId: string, options: { wait: boolean }): Slot {
    const slots = this.#open(threadId);
    let admit!: () => void;
    const admitted = new Promise<void>((resolve) => {
      admit = resolve;
    });
    const entry: Entry = {
      state: "waiting",
      admitted,
      admit,
      idle: () => slots.running?.promise,
      clear: () => slots.running?.promise ?? slots.reserved?.opened.promise,
      leave: () => {
        if (entry.state === "left") return;
        if (entry.state === "inside") slots.inside -= 1;
        entry.state = "left";
        this.#admitNext(threadId, slots);
      },
    };
    if (options.wait) {
      slots.waiting.push(entry);
      this.#admitNext(threadId, slots);
    } else {
      admitEntry(slots, entry);
    }
    return entry;
  }

  /**
   * Keeps everybody out who has not sent a turn yet: the server is about to start one by itself. Returns
   * what gives the slot free again.
   */
  reserve(threadId: string): () => void {
    const slots = this.#open(threadId);
    const reserved = (slots.reserved ??= { opened: new Deferred(), by: 0 });
    reserved.by += 1;
    let isOpen = false;
    return () => {
      if (isOpen) return;
      isOpen = true;
      reserved.by -= 1;
      if (reserved.by > 0) return;
      slots.reserved = undefined;
      reserved.opened.resolve();
      this.#admitNext(threadId, slots);
    };
  }

  /** Learns from a notification whether the thread runs a turn. */
  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "turn/started":
        this.setRunning(threadIdOf(message), true);
        break;
      case "turn/completed":
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.setRunning(threadIdOf(message), false);
        break;
      case "thread/status/changed":
        this.#statusChanged(message);
        break;
    }
  }

  /** What an answer or a notification said of the thread. */
  setRunning(threadId: string | undefined, running: boolean): void {
    if (threadId === undefined) return;
    const slots = running ? this.#open(threadId) : this.#threads.get(threadId);
    if (!slots) return;
    forgetIdle(slots);
    if (running) {
      slots.running ??= new Deferred();
      slots.supposed = false;
      this.#forgetOldest();
    } else {
      slots.running?.resolve();
      slots.running = undefined;
    }
    this.#admitNext(threadId, slots);
  }

  /** A request will make the server run a turn. Returns what to call when the request fails. */
  expectTurn(threadId: string): () => void {
    this.setRunning(threadId, true);
    const slots = this.#open(threadId);
    const { running } = slots;
    slots.supposed = true;
    return () => {
      // A request may fail whose turn has been heard of.
      if (slots.supposed && slots.running === running) this.setRunning(threadId, false);
    };
  }

  /** The connection is over and nothing runs any more; whoever waits finds out by going in. */
  close(): void {
    for (const threadId of [...this.#threads.keys()]) this.setRunning(threadId, false);
  }

  /** Of threads that a server says to be running, and that nobody here wants to use. */
  #forgetOldest(): void {
    if (this.#threads.size <= maxThreads) return;
    // Many at a time: a map finds its oldest entry the more slowly, the more it has just lost.
    for (const [threadId, slots] of this.#threads) {
      if (this.#threads.size <= maxThreads / 2) break;
      if (slots.inside > 0 || slots.waiting.size > 0 || slots.reserved) continue;
      forgetIdle(slots);
      this.#threads.delete(threadId);
    }
  }

  #open(threadId: string): ThreadSlots {
    let slots = this.#threads.get(threadId);
    if (!slots) {
      slots = {
        waiting: new Fifo(),
        inside: 0,
        reserved: undefined,
        running: undefined,
        supposed: false,
        stopIdle: undefined,
      };
      this.#threads.set(threadId, slots);
    }
    return slots;
  }

  #statusChanged(message: NotificationMessage): void {
    const threadId = threadIdOf(message);
    const slots = this.#threads.get(threadId ?? "");
    if (!slots?.running) return;
    forgetIdle(slots);
    const { status } = message.params as { status?: { type?: unknown } | null };
    if (!isAtRest(status?.type)) return;
    const conclude = (): void => {
      this.setRunning(threadId, false);
    };
    slots.stopIdle = onDeadline(endGraceMs, conclude, { unref: true });
  }

  #admitNext(threadId: string, slots: ThreadSlots): void {
    while (slots.inside === 0 && !slots.running && !slots.reserved) {
      const next = slots.waiting.shift();
      if (!next) {
        this.#threads.delete(threadId);
        return;
      }
      if (next.state === "waiting") admitEntry(slots, next);
    }
  }
}

function forgetIdle(slots: ThreadSlots): void {
  slots.stopIdle?.();
  slots.stopIdle = undefined;
}

function admitEntry(slots: ThreadSlots, entry: Entry): void {
  entry.state = "inside";
  slots.inside += 1;
  entry.admit();
}
