import { BoundedMap } from "../async/bounded-map.js";
import type { UsageOfModel } from "../results/turn-tokens.js";
import type { Budget } from "./budget.js";
import { BudgetExceededError, type BudgetScope } from "./budget-exceeded-error.js";

/** Where what is used counts: the turn that somebody asked for, and its thread. */
interface ChargedTo {
  readonly threadId: string;
  readonly rootTurnId: string;
}

/** A budget, with whose it is. */
export interface ScopedBudget {
  readonly scope: BudgetScope;
  readonly budget: Budget;
}

/** As many threads, and turns, can have a budget: the latest. */
const maxBudgets = 10_000;

/** Which budgets there are for a client, its threads and its turns. */
export class BudgetBook {
  readonly #client: Budget | undefined;
  readonly #ofThreads = new BoundedMap<string, Budget>(maxBudgets);
  readonly #ofTurns = new BoundedMap<string, readonly Budget[]>(maxBudgets);
  /** By what handles of threads each was given: to use a handle again changes nothing. */
  readonly #bound = new WeakSet();

  constructor(client: Budget | undefined) {
    this.#client = client;
  }

  /** The budget of a thread from now on, as a handle has given it; the newest handle counts. */
  bindThread(threadId: string, handle: object, budget: Budget): void {
    if (this.#bound.has(handle) && this.#ofThreads.has(threadId)) return;
    this.#bound.add(handle);
    this.#ofThreads.set(threadId, budget);
  }

  /** A budget of one turn, which has used something already. */
  attach(to: ChargedTo, budget: Budget, used: readonly UsageOfModel[]): void {
    // What is the thread's or the client's budget, too, has been charged.
    if (this.#all(to).has(budget)) return;
    this.#ofTurns.set(to.rootTurnId, [...(this.#ofTurns.get(to.rootTurnId) ?? []), budget]);
    for (const usage of used) budget.charge(usage);
  }

  /** @throws BudgetExceededError when nothing may begin on the thread. */
  admit(threadId: string, own: Budget | undefined): void {
    const usedUp = this.#of(threadId, own).find(({ budget }) => budget.isUsedUp);
    if (usedUp) throw new BudgetExceededError(usedUp.scope, usedUp.budget, { sent: false });
  }

  /** Takes off what was used, of each budget once. Returns whether one of them is used up. */
  charge(to: ChargedTo, usage: UsageOfModel): boolean {
    const budgets = this.#all(to);
    for (const budget of budgets) budget.charge(usage);
    return [...budgets].some(({ isUsedUp }) => isUsedUp);
  }

  /** The first budget that is used up. */
  usedUp({ threadId, rootTurnId }: ChargedTo): ScopedBudget | undefined {
    const own = (this.#ofTurns.get(rootTurnId) ?? []).map((budget): ScopedBudget => ({
      scope: "turn",
      budget,
    }));
    return [...own, ...this.#of(threadId)].find(({ budget }) => budget.isUsedUp);
  }

  #all({ threadId, rootTurnId }: ChargedTo): ReadonlySet<Budget> {
    const others = this.#of(threadId).map(({ budget }) => budget);
    return new Set([...(this.#ofTurns.get(rootTurnId) ?? []), ...others]);
  }

  /** The budgets of a turn that is to begin, or runs; `own` is what its handle has. */
  #of(threadId: string, own?: Budget): readonly ScopedBudget[] {
    const ofThread = this.#ofThreads.get(threadId);
    return [
      ...(own ? [{ scope: "turn", budget: own } as const] : []),
      ...(ofThread ? [{ scope: "thread", budget: ofThread } as const] : []),
      ...(this.#client ? [{ scope: "client", budget: this.#client } as const] : []),
    ];
  }
}
