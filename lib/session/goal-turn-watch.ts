import { onDeadline } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";
import { hasActiveGoal } from "../messages/goal-status.js";
import { threadIdIn } from "../messages/id-of.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { threadIdOf } from "../messages/message-ids.js";
import type { TurnSlots } from "./turn-slots.js";
import { wasInterrupted } from "../messages/thread-status.js";

/** How long the server may take to start a goal's next turn (ms). It takes some ten milliseconds. */
const startGraceMs = 3_000;

/** A bound for servers that name ever more threads. */
const maxThreads = 1_024;

/** A thread whose goal is active, or is being set. */
interface WatchedThread {
  readonly id: string;
  isActive: boolean;
  /** Whether the server has started no turn when one was expected, and nothing has changed since. */
  isStill: boolean;
  /** How many requests are under way that set its goal. */
  setting: number;
  /** There while the goal's next turn is about to start. */
  expected: Expectation | undefined;
}

interface Expectation {
  /** Resolves when the turn has started, or is not expected any more. */
  readonly over: Promise<void>;
  readonly end: () => void;
}

/**
 * Knows when the server is about to start a turn for an active goal.
 *
 * It starts one as soon as the goal is set or another turn has ended, and says so some milliseconds later.
 * A `turn/start` that is sent in between becomes part of the goal's turn, so messages wait in such a moment,
 * and with that until the goal rests. What else starts a turn does not become part of one unnoticed.
 *
 * An interrupted turn stops the chain and leaves the goal active: a message may go then. In plan mode the server
 * starts no turns for an active goal at all: only the first message waits for one in vain.
 */
export class GoalTurnWatch {
  readonly #slots: TurnSlots;
  readonly #threads = new Map<string, WatchedThread>();

  constructor(slots: TurnSlots) {
    this.#slots = slots;
  }

  /** How many threads have an active goal, as far as is known. */
  get size(): number {
    return this.#threads.size;
  }

  /** Resolves when no turn is about to start for the thread's goal any more; undefined when none is. */
  settled(threadId: string): Promise<void> | undefined {
    return this.#threads.get(threadId)?.expected?.over;
  }

  /**
   * Learns from a request that is about to be sent. Returns what to call with its answer, or with nothing
   * when it fails.
   */
  asked(method: string, params: unknown): (answer?: unknown) => void {
    const threadId = threadIdIn(params);
    if (threadId === undefined) return noop;
    switch (method) {
      case "thread/goal/set":
        return this.#askedToSet(threadId, params);
      case "thread/goal/get":
        return (answer) => {
          if (answer !== undefined) this.#setActive(threadId, hasActiveGoal(answer));
        };
      case "thread/unsubscribe":
      case "thread/archive":
      case "thread/delete":
        return (answer) => {
          if (answer !== undefined) this.forget(threadId);
        };
      default:
        return noop;
    }
  }

  observe(message: NotificationMessage): void {
    const { method } = message;
    if (method === "thread/goal/updated") {
      this.#setActive(threadIdOf(message) ?? "", hasActiveGoal(message.params));
    }
    const thread = this.#threads.get(threadIdOf(message) ?? "");
    if (!thread) return;
    switch (method) {
      case "turn/started":
        thread.expected?.end();
        break;
      case "turn/completed":
        if (thread.isActive && !thread.isStill && !wasInterrupted(message)) {
          this.#expectTurn(thread);
        }
        break;
      case "thread/goal/updated":
      case "thread/settings/updated":
        thread.isStill = false;
        break;
      case "thread/goal/cleared":
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.forget(thread.id);
    }
  }

  /** The thread has no goal any more, or nothing is heard of it. */
  forget(threadId: string): void {
    const thread = this.#threads.get(threadId);
    if (!thread) return;
    this.#threads.delete(threadId);
    thread.expected?.end();
  }

  /** The connection is over. */
  close(): void {
    for (const threadId of [...this.#threads.keys()]) this.forget(threadId);
  }

  #askedToSet(threadId: string, params: unknown): (answer?: unknown) => void {
    const thread = this.#watch(threadId);
    if (!thread) return noop;
    thread.setting += 1;
    // Without a status, the goal keeps the one that it has, and a new goal is active.
    const { status } = params as { status?: unknown };
    // A turn that runs goes on, and the goal's first turn follows it.
    const mayStart = (status ?? "active") === "active" && !this.#slots.isRunning(threadId);
    const expected = mayStart && !thread.expected ? this.#expectTurn(thread) : undefined;
    return (answer) => {
      thread.setting -= 1;
      if (answer === undefined) {
        expected?.end();
      } else {
        thread.isActive = hasActiveGoal(answer);
        thread.isStill = false;
      }
      this.#settle(thread);
    };
  }

  #setActive(threadId: string, isActive: boolean): void {
    const thread = isActive ? this.#watch(threadId) : this.#threads.get(threadId);
    if (!thread) return;
    thread.isActive = isActive;
    this.#settle(thread);
  }

  /** Forgets the thread when no turn is to be expected any more. */
  #settle(thread: WatchedThread): void {
    if (thread.isActive || thread.setting > 0) return;
    if (this.#threads.get(thread.id) === thread) this.forget(thread.id);
  }

  #expectTurn(thread: WatchedThread): Expectation {
    thread.expected?.end();
    const over = new Deferred<void>();
    const expected: Expectation = {
      over: over.promise,
      end: () => {
        stopDeadline();
        if (thread.expected === expected) thread.expected = undefined;
        over.resolve();
      },
    };
    // One that never comes must not keep the others waiting.
    const giveUp = (): void => {
      thread.isStill = true;
      expected.end();
    };
    const stopDeadline = onDeadline(startGraceMs, giveUp, { unref: true });
    thread.expected = expected;
    return expected;
  }

  #watch(threadId: string): WatchedThread | undefined {
    const known = this.#threads.get(threadId);
    if (known || this.#threads.size >= maxThreads) return known;
    const thread: WatchedThread = {
      id: threadId,
      isActive: false,
      isStill: false,
      setting: 0,
      expected: undefined,
    };
    this.#threads.set(threadId, thread);
    return thread;
  }
}

function noop(): void {}
