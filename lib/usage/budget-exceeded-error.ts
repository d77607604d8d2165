import { hide } from "../errors/base.js";
import { ResultError, type StopDetails } from "../errors/result-error.js";
import type { GoalResult } from "../results/goal-result.js";
import type { TurnResult } from "../results/turn-result.js";
import type { Budget } from "./budget.js";

/** Whose budget it is: of the one turn or goal, of its thread, or of the client, which is a tenant's. */
export type BudgetScope = "turn" | "thread" | "client";

/** What there is to say of work that a budget has stopped. */
export interface ExceededDetails extends StopDetails {
  readonly result?: TurnResult | undefined;
  readonly goalResult?: GoalResult | undefined;
}

/**
 * A budget is used up. A turn that ran was interrupted, with its sub-agents; one that was to begin was not sent.
 * Waiting does not help: top the budget up, or go on without. `result` has what the turn has done, of a goal its last one;
 * it is `null` for one that was not sent.
 */
export class BudgetExceededError extends ResultError<TurnResult | null> {
  override readonly code = "BUDGET_EXCEEDED";
  /** Whose budget it is. */
  readonly scope: BudgetScope;
  /** The budget, with what is spent and what remains. */
  readonly budget: Budget;
  /** What the goal has done; `null` for a turn, and for a goal that was not sent. */
  readonly goalResult: GoalResult | null;
  /** Whether the server has confirmed that the turn stopped. If not, the client goes on stopping it. */
  readonly stopConfirmed: boolean;

  constructor(scope: BudgetScope, budget: Budget, details: ExceededDetails) {
    const { sent = true, result, goalResult, stopConfirmed = true } = details;
    const what = goalResult ? "goal" : "turn";
    const outcome = !sent
      ? `The ${what} was not sent to the server.`
      : stopConfirmed
        ? `The ${what} was interrupted: see result for what it has done.`
        : `The ${what} is being interrupted, which the server has not confirmed yet.`;
    const { missingPrice } = budget;
    const why = missingPrice ? ", since what it has used cannot be priced" : "";
    const of = { turn: "of this work", thread: "of the thread", client: "of this client" }[scope];
    super(
      `The budget ${of} is used up${why}. ${outcome} Top it up with budget.topUp() to go on.`,
      result ?? goalResult?.turns.at(-1) ?? null,
      { sent, cause: missingPrice },
    );
    this.scope = scope;
    this.budget = budget;
    this.goalResult = goalResult ?? null;
    this.stopConfirmed = stopConfirmed;
    hide(this, "goalResult", "budget");
  }
}
