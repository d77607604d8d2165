import type { BacklogBudget } from "../async/backlog-budget.js";
import { EventQueue } from "../async/event-queue.js";
import { TurnStreamError } from "./turn-errors.js";
import { eventBacklog } from "./event-backlog.js";
import { SubagentEvent } from "./subagent-event.js";
import type { SomeEvent } from "./text-run.js";

/** How much is kept beside a lone `run()` for an iteration that may still come (bytes, roughly). */
const besideRunBytes = 1_048_576;

interface HandleEventsOptions {
  readonly of: "turn" | "goal";
  readonly maxBacklogBytes: number | undefined;
  /** Whether nobody can iterate, so that nothing is kept. */
  readonly resultOnly?: boolean | undefined;
  /** The iteration was left early. */
  readonly onLeave: () => Promise<void>;
}

/**
 * The events of a turn's or a goal's handle, and who reads them: one consumer, who may come late. So
 * they wait, within the bounds of the backlog; beside a `run()`, after which mostly nobody comes, within
 * much closer ones.
 */
export class HandleEvents<Event extends SomeEvent> {
  readonly #of: "turn" | "goal";
  readonly #queue: EventQueue<Event | SubagentEvent>;
  #reader: "none" | "of its own" | "of everything" = "none";
  /** Whether somebody waits for the result. */
  #isRun = false;
  #isDropped: boolean;

  constructor({ of, maxBacklogBytes, resultOnly = false, onLeave }: HandleEventsOptions) {
    this.#of = of;
    this.#isDropped = resultOnly;
    this.#queue = new EventQueue(onLeave, eventBacklog(of, maxBacklogBytes));
  }

  /** From now on what waits counts in the budget. Beside a lone `run()` it is the first to be dropped. */
  countIn(budget: BacklogBudget): void {
    if (!this.#isDropped) this.#queue.countIn(budget, () => this.#isRunAlone());
  }

  push(event: Event | SubagentEvent): void {
    if (this.#isDropped) return;
    if (this.#reader === "of its own" && event instanceof SubagentEvent) return;
    this.#queue.push(event);
    this.trim();
  }

  /** `run()` was called. What waits already is kept for now: an iteration may begin in the same tick. */
  run(): void {
    this.#isRun = true;
  }

  /** Drops everything when more waits than is kept beside a lone `run()`. */
  trim(): void {
    if (!this.#isRunAlone() || this.#queue.weight <= besideRunBytes) return;
    this.#isDropped = true;
    this.#queue.clear();
  }

  /**
   * Begins the iteration, with or without the events of sub-agents.
   *
   * @throws TurnStreamError
   */
  read({ subagents }: { readonly subagents: boolean }): EventQueue<Event | SubagentEvent> {
    if (this.#reader !== "none") {
      throw new TurnStreamError(
        `This ${this.#of} is already being iterated, and has one consumer: call run() for its result.`,
      );
    }
    if (this.#isDropped) {
      throw new TurnStreamError(
        "run() was called without iterating, and more than 1 MiB of events came, which were not kept. " +
          "Call stream() first.",
      );
    }
    this.#reader = subagents ? "of everything" : "of its own";
    if (!subagents) this.#queue.retain((event) => !(event instanceof SubagentEvent));
    return this.#queue;
  }

  /** Whoever waits, for an event or for the result, is told, and may come back. */
  interrupt(makeReason: () => unknown): void {
    this.#isRun = false;
    // Nobody else may take the place of one who reads on.
    if (this.#queue.interrupt(makeReason()) > 0) this.#reader = "none";
  }

  end(): void {
    this.#queue.end();
  }

  fail(reason: unknown): void {
    this.#queue.fail(reason);
  }

  #isRunAlone(): boolean {
    return this.#isRun && this.#reader === "none";
  }
}
