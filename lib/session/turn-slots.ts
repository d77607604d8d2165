import { onDeadline } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";
import { Fifo } from "../async/fifo.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { fieldOf } from "../messages/field-of.js";
import { turnIdOf } from "../messages/message-ids.js";
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

/** A turn that the server runs on the thread, of ours or of anybody's. */
interface Running {
  readonly ended: Deferred<void>;
  /** When it was heard of (ms since 1970). */
  readonly since: number;
  /** Undefined until the server has named it. */
  readonly turnId: string | undefined;
}

interface Entry extends Slot {
  state: "waiting" | "inside" | "left";
  readonly admit: () => void;
}

/**
 * How long after its thread went idle the end of a turn may take to come (ms). It follows within a few
 * milliseconds; one that never comes must not keep the next turns waiting.
 */
const endGraceMs = 1_000;

/**
 * Lets one turn at a time onto a thread. The server treats a `turn/start` on a busy thread as
 * steering: both callers would share one turn without knowing. Turns that this client did not
 * start (goals, queues, other clients) count too, as far as the server tells of them.
 */
export class TurnSlots {
  readonly #waiting = new Fifo<Entry>();
  #inside = 0;
  /** There while the server is about to start a turn, with how many say so; resolves when none does. */
  #reserved: { readonly opened: Deferred<void>; by: number } | undefined;
  /** There while the server runs a turn here. */
  #running: Running | undefined;
  /** Whether it has not been heard of yet: a request was sent that starts a turn. */
  #isExpected = false;
  /** There while the thread is idle, and the end of its turn has not been heard; stops waiting for it. */
  #stopIdle: (() => void) | undefined;

  /** Whether a turn runs on the thread, or waits to. */
  get isBusy(): boolean {
    return this.isUsed || this.#running !== undefined;
  }

  /** Whether somebody here has a slot, waits for one, or has reserved it. */
  get isUsed(): boolean {
    return this.#inside > 0 || this.#waiting.size > 0 || this.#reserved !== undefined;
  }

  /** Whether the server runs a turn on the thread, as far as is known. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves when the server runs no turn on the thread any more; undefined when it runs none. */
  get runningUntil(): Promise<void> | undefined {
    return this.#running?.ended.promise;
  }

  /** The turn that the server runs on the thread; undefined when it runs none. */
  get running(): Running | undefined {
    return this.#running;
  }

  /** Resolves when no turn is about to start any more that the server starts by itself; undefined when none is. */
  get reservedUntil(): Promise<void> | undefined {
    return this.#reserved?.opened.promise;
  }

  /** Waits for the turns before this one. With `wait: false`, goes in beside them. */
  enter(options: { wait: boolean }): Slot {
    let admit!: () => void;
    const admitted = new Promise<void>((resolve) => {
      admit = resolve;
    });
    const entry: Entry = {
      state: "waiting",
      admitted,
      admit,
      idle: () => this.runningUntil,
      clear: () => this.runningUntil ?? this.reservedUntil,
      leave: () => {
        if (entry.state === "left") return;
        if (entry.state === "inside") this.#inside -= 1;
        entry.state = "left";
        this.#admitNext();
      },
    };
    if (options.wait) {
      this.#waiting.push(entry);
      this.#admitNext();
    } else {
      this.#admit(entry);
    }
    return entry;
  }

  /**
   * Keeps everybody out who has not sent a turn yet: the server is about to start one by itself. Returns
   * what gives the slot free again.
   */
  reserve(): () => void {
    const reserved = (this.#reserved ??= { opened: new Deferred(), by: 0 });
    reserved.by += 1;
    let isOpen = false;
    return () => {
      if (isOpen) return;
      isOpen = true;
      reserved.by -= 1;
      if (reserved.by > 0) return;
      this.#reserved = undefined;
      reserved.opened.resolve();
      this.#admitNext();
    };
  }

  /** Learns from a notification of the thread whether it runs a turn. */
  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "turn/started":
        this.setRunning(true, turnIdOf(message));
        break;
      case "turn/completed":
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.setRunning(false);
        break;
      case "thread/status/changed":
        this.#statusChanged(message);
        break;
    }
  }

  /** Takes note of what an answer or a notification said of the thread. */
  setRunning(running: boolean, turnId?: string): void {
    this.#forgetIdle();
    if (running) {
      const before = this.#running;
      this.#running = {
        ended: before?.ended ?? new Deferred(),
        since: before?.since ?? Date.now(),
        turnId: turnId ?? before?.turnId,
      };
      this.#isExpected = false;
    } else {
      this.#running?.ended.resolve();
      this.#running = undefined;
    }
    this.#admitNext();
  }

  /** A request will make the server run a turn. Returns what to call when the request fails. */
  expectTurn(): () => void {
    this.setRunning(true);
    const ended = this.runningUntil;
    this.#isExpected = true;
    return () => {
      // A request may fail whose turn has been heard of.
      if (this.#isExpected && this.runningUntil === ended) this.setRunning(false);
    };
  }

  #statusChanged(message: NotificationMessage): void {
    if (!this.#running) return;
    this.#forgetIdle();
    if (!isAtRest(fieldOf(message.params, "status", "type"))) return;
    const conclude = (): void => {
      this.setRunning(false);
    };
    this.#stopIdle = onDeadline(endGraceMs, conclude, { unref: true });
  }

  #forgetIdle(): void {
    this.#stopIdle?.();
    this.#stopIdle = undefined;
  }

  #admitNext(): void {
    while (this.#inside === 0 && !this.#running && !this.#reserved) {
      const next = this.#waiting.shift();
      if (!next) return;
      if (next.state === "waiting") this.#admit(next);
    }
  }

  #admit(entry: Entry): void {
    entry.state = "inside";
    this.#inside += 1;
    entry.admit();
  }
}
