import { onDeadline } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";
import { hasActiveGoal } from "../messages/goal-status.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import type { TurnSlots } from "./turn-slots.js";
import { wasInterrupted } from "../messages/thread-status.js";

/** How long the server may take to start a goal's next turn (ms). It takes some ten milliseconds. */
const startGraceMs = 3_000;

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
 * and with that until the goal rests; so do shell commands, which become part of it, too, and compactions, which
 * would cut it short.
 *
 * An interrupted turn stops the chain and leaves the goal active: a message may go then. In plan mode the server
 * starts no turns for an active goal at all: only the first message waits for one in vain.
 */
export class GoalTurnWatch {
  readonly #slots: TurnSlots;
  #isActive = false;
  /** Whether the server has started no turn when one was expected, and nothing has changed since. */
  #isStill = false;
  /** How many requests are under way that set the goal. */
  #setting = 0;
  /** There while the goal's next turn is about to start. */
  #expected: Expectation | undefined;

  constructor(slots: TurnSlots) {
    this.#slots = slots;
  }

  /** Whether no goal is active, as far as is known, nor being set. */
  get isIdle(): boolean {
    return !this.#isActive && this.#setting === 0;
  }

  /** Resolves when no turn is about to start for the goal any more; undefined when none is. */
  get settled(): Promise<void> | undefined {
    return this.#expected?.over;
  }

  /**
   * Learns from a request that is about to be sent. Returns what to call with its answer, or with nothing
   * when it fails.
   */
  asked(method: string, params: unknown): ((answer?: unknown) => void) | undefined {
    if (method === "thread/goal/set") return this.#askedToSet(params);
    if (method !== "thread/goal/get") return undefined;
    return (answer) => {
      if (answer !== undefined) this.#setActive(hasActiveGoal(answer));
    };
  }

  observe(message: NotificationMessage): void {
    const { method } = message;
    if (method === "thread/goal/updated") this.#setActive(hasActiveGoal(message.params));
    if (this.isIdle) return;
    switch (method) {
      case "turn/started":
        this.#expected?.end();
        break;
      case "turn/completed":
        if (this.#isActive && !this.#isStill && !wasInterrupted(message)) this.#expectTurn();
        break;
      case "thread/goal/updated":
      case "thread/settings/updated":
        this.#isStill = false;
        break;
      case "thread/goal/cleared":
        this.forget();
    }
  }

  /** The thread has no goal any more, nothing is heard of it, or the connection is over. */
  forget(): void {
    this.#isActive = false;
    this.#isStill = false;
    this.#expected?.end();
  }

  #askedToSet(params: unknown): (answer?: unknown) => void {
    this.#setting += 1;
    // Without a status, the goal keeps the one that it has, and a new goal is active.
    const { status } = params as { status?: unknown };
    // A turn that runs goes on, and the goal's first turn follows it.
    const mayStart = (status ?? "active") === "active" && !this.#slots.isRunning;
    const expected = mayStart && !this.#expected ? this.#expectTurn() : undefined;
    return (answer) => {
      this.#setting -= 1;
      if (answer === undefined) expected?.end();
      else this.#isStill = false;
      this.#setActive(answer === undefined ? this.#isActive : hasActiveGoal(answer));
    };
  }

  /** Forgets the goal when no turn is to be expected any more. */
  #setActive(isActive: boolean): void {
    this.#isActive = isActive;
    if (this.isIdle) this.forget();
  }

  #expectTurn(): Expectation {
    this.#expected?.end();
    const over = new Deferred<void>();
    const expected: Expectation = {
      over: over.promise,
      end: () => {
        stopDeadline();
        if (this.#expected === expected) this.#expected = undefined;
        over.resolve();
      },
    };
    // One that never comes must not keep the others waiting.
    const giveUp = (): void => {
      this.#isStill = true;
      expected.end();
    };
    const stopDeadline = onDeadline(startGraceMs, giveUp, { unref: true });
    this.#expected = expected;
    return expected;
  }
}
