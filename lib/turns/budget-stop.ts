import { onDeadline } from "../async/deadline.js";
import type { Life } from "../async/life.js";
import type { TurnState } from "../results/turn-state.js";
import type { ScopedBudget } from "../usage/budget-book.js";
import { runningGraceMs } from "./machine/stop.js";

/**
 * Decides when a turn is stopped whose budget is used up: at once, unless it is about to end by itself. One that
 * is topped up before that stops nothing.
 */
export class BudgetStop {
  readonly #life: Life;
  readonly #stop: () => void;
  #exceeded: ScopedBudget | undefined;
  #isDone = false;

  /** `stop` is called once. */
  constructor(life: Life, stop: () => void) {
    this.#life = life;
    this.#stop = stop;
  }

  /** The budget that the turn was stopped for; undefined while it runs on. */
  get exceeded(): ScopedBudget | undefined {
    return this.#isDone ? this.#exceeded : undefined;
  }

  usedUp(exceeded: ScopedBudget, state: TurnState): void {
    if (this.#exceeded) return;
    this.#exceeded = exceeded;
    const goesOn = (): void => {
      this.goesOn();
    };
    // Behind an answer the turn mostly ends by itself, and to interrupt it would spoil what has been paid for.
    if (hasAnswered(state)) this.#life.onOver(onDeadline(runningGraceMs, goesOn));
    else goesOn();
  }

  /** The turn does not end by itself, as it seems. */
  goesOn(): void {
    // One that is cut short already is being stopped.
    if (!this.#exceeded || this.#isDone || this.#life.isCutShort) return;
    // When what it was topped up by is used up, too, this is told again.
    if (!this.#exceeded.budget.isUsedUp) this.#exceeded = undefined;
    else {
      this.#isDone = true;
      this.#stop();
    }
  }
}

/** Whether the newest response was an answer, behind which the model is mostly not asked again. */
function hasAnswered({ items, openItems }: TurnState): boolean {
  return openItems.length === 0 && items.at(-1)?.type === "agentMessage";
}
