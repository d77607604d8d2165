import { onDeadline } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";
import { Fifo } from "../async/fifo.js";
import type { NotificationMessage } from "./message.js";
import { threadIdOf } from "./notification-route.js";
import { isAtRest } from "./thread-status.js";

/** A turn's right to run on its thread. */
export interface Pass {
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

interface Entry extends Pass {
  state: "waiting" | "inside" | "left";
  readonly admit: () => void;
}

interface Gate {
  readonly waiting: Fifo<Entry>;
  inside: number;
  /** There while the server is about to start a turn, with how many say so; resolves when none does. */
  shut: { readonly opened: Deferred<void>; by: number } | undefined;
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
const maxGates = 8_192;

/**
 * Lets one turn at a time onto a thread. The server treats a `turn/start` on a busy thread as
 * steering: both callers would share one turn without knowing. Turns that this client did not
 * start (goals, queues, other clients) count too, as far as the server tells of them.
 */
export class ThreadGate {
  readonly #gates = new Map<string, Gate>();

  /** Whether a turn runs on the thread, or waits to. */
  isBusy(threadId: string): boolean {
    return this.#gates.has(threadId);
  }

  /** Whether the server runs a turn on the thread, as far as is known. */
  isRunning(threadId: string): boolean {
    return this.runningUntil(threadId) !== undefined;
  }

  /** Resolves when the server runs no turn on the thread any more; undefined when it runs none. */
  runningUntil(threadId: string): Promise<void> | undefined {
    return this.#gates.get(threadId)?.running?.promise;
  }

  /** The threads on which the server runs a turn, as far as is known. */
  running(): readonly string[] {
    return [...this.#gates].filter(([, { running }]) => running).map(([threadId]) => threadId);
  }

  /** Waits for the turns before this one. With `wait: false`, goes in beside them. */
  enter(threadId: string, options: { wait: boolean }): Pass {
    const gate = this.#open(threadId);
    let admit!: () => void;
    const admitted = new Promise<void>((resolve) => {
      admit = resolve;
    });
    const entry: Entry = {
      state: "waiting",
      admitted,
      admit,
      idle: () => gate.running?.promise,
      clear: () => gate.running?.promise ?? gate.shut?.opened.promise,
      leave: () => {
        if (entry.state === "left") return;
        if (entry.state === "inside") gate.inside -= 1;
        entry.state = "left";
        this.#admitNext(threadId, gate);
      },
    };
    if (options.wait) {
      gate.waiting.push(entry);
      this.#admitNext(threadId, gate);
    } else {
      admitEntry(gate, entry);
    }
    return entry;
  }

  /**
   * Keeps everybody out who has not sent a turn yet: the server is about to start one by itself. Returns
   * what opens the gate again.
   */
  shut(threadId: string): () => void {
    const gate = this.#open(threadId);
    const shut = (gate.shut ??= { opened: new Deferred(), by: 0 });
    shut.by += 1;
    let isOpen = false;
    return () => {
      if (isOpen) return;
      isOpen = true;
      shut.by -= 1;
      if (shut.by > 0) return;
      gate.shut = undefined;
      shut.opened.resolve();
      this.#admitNext(threadId, gate);
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
    const gate = running ? this.#open(threadId) : this.#gates.get(threadId);
    if (!gate) return;
    forgetIdle(gate);
    if (running) {
      gate.running ??= new Deferred();
      gate.supposed = false;
      this.#forgetOldest();
    } else {
      gate.running?.resolve();
      gate.running = undefined;
    }
    this.#admitNext(threadId, gate);
  }

  /** A request will make the server run a turn. Returns what to call when the request fails. */
  suppose(threadId: string): () => void {
    this.setRunning(threadId, true);
    const gate = this.#open(threadId);
    const { running } = gate;
    gate.supposed = true;
    return () => {
      // A request may fail whose turn has been heard of.
      if (gate.supposed && gate.running === running) this.setRunning(threadId, false);
    };
  }

  /** The connection is over and nothing runs any more; whoever waits finds out by going in. */
  close(): void {
    for (const threadId of [...this.#gates.keys()]) this.setRunning(threadId, false);
  }

  /** Of threads that a server says to be running, and that nobody here wants to use. */
  #forgetOldest(): void {
    if (this.#gates.size <= maxGates) return;
    // Many at a time: a map finds its oldest entry the more slowly, the more it has just lost.
    for (const [threadId, gate] of this.#gates) {
      if (this.#gates.size <= maxGates / 2) break;
      if (gate.inside > 0 || gate.waiting.size > 0 || gate.shut) continue;
      forgetIdle(gate);
      this.#gates.delete(threadId);
    }
  }

  #open(threadId: string): Gate {
    let gate = this.#gates.get(threadId);
    if (!gate) {
      gate = {
        waiting: new Fifo(),
        inside: 0,
        shut: undefined,
        running: undefined,
        supposed: false,
        stopIdle: undefined,
      };
      this.#gates.set(threadId, gate);
    }
    return gate;
  }

  #statusChanged(message: NotificationMessage): void {
    const threadId = threadIdOf(message);
    const gate = this.#gates.get(threadId ?? "");
    if (!gate?.running) return;
    forgetIdle(gate);
    const { status } = message.params as { status?: { type?: unknown } | null };
    if (!isAtRest(status?.type)) return;
    const conclude = (): void => {
      this.setRunning(threadId, false);
    };
    gate.stopIdle = onDeadline(endGraceMs, conclude, { unref: true });
  }

  #admitNext(threadId: string, gate: Gate): void {
    while (gate.inside === 0 && !gate.running && !gate.shut) {
      const next = gate.waiting.shift();
      if (!next) {
        this.#gates.delete(threadId);
        return;
      }
      if (next.state === "waiting") admitEntry(gate, next);
    }
  }
}

function forgetIdle(gate: Gate): void {
  gate.stopIdle?.();
  gate.stopIdle = undefined;
}

function admitEntry(gate: Gate, entry: Entry): void {
  entry.state = "inside";
  gate.inside += 1;
  entry.admit();
}
