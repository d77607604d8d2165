import { BoundedMap } from "../async/bounded-map.js";
import type { UsageOfModel } from "../results/turn-tokens.js";
import type { Budget } from "./budget.js";
import { BudgetExceededError, type BudgetScope } from "./budget-exceeded-error.js";
import type { TurnAccount } from "./turn-account.js";

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
  /** Those that a turn was charged to while its model was not known. */
  readonly #ofNameless = new WeakMap<TurnAccount, Set<Budget>>();

  constructor(client: Budget | undefined) {
    this.#client = client;
  }

  /** The budget of a thread from now on, as a handle has given it; the newest handle counts. */
  bindThread(threadId: string, handle: object, budget: Budget): void {
    if (this.#bound.has(handle) && this.#ofThreads.has(threadId)) return;
    this.#bound.add(handle);
    this.#ofThreads.set(threadId, budget);
  }

  /** A budget of one turn, which has used something already, with those that work for it. */
  attach(to: ChargedTo, budget: Budget, turns: readonly TurnAccount[]): void {
    // What is the thread's or the client's budget, too, has been charged.
    if (this.of(to).has(budget)) return;
    this.#ofTurns.set(to.rootTurnId, [...(this.#ofTurns.get(to.rootTurnId) ?? []), budget]);
    for (const turn of turns) this.chargeAll([budget], turn);
  }

  /** @throws BudgetExceededError when nothing may begin on the thread. */
  admit(threadId: string, own: Budget | undefined): void {
    const usedUp = this.#ofThread(threadId, own).find(({ budget }) => budget.isUsedUp);
    if (usedUp) throw new BudgetExceededError(usedUp.scope, usedUp.budget, { sent: false });
  }

  /** Takes off what a turn was found to have used, of each budget once. */
  charge(budgets: Iterable<Budget>, turn: TurnAccount, usage: UsageOfModel): void {
    for (const budget of budgets) {
      budget.charge(usage, turn.turnId);
      if (usage.model !== null) continue;
      const known = this.#ofNameless.get(turn) ?? new Set();
      this.#ofNameless.set(turn, known.add(budget));
    }
  }

  /** The same for all that the turn has used until now. */
  chargeAll(budgets: Iterable<Budget>, turn: TurnAccount): void {
    const all = [...budgets];
    for (const usage of turn.used) this.charge(all, turn, usage);
  }

  /** The model of a turn becomes known: what it was charged for without one is priced, once. */
  named(turn: TurnAccount, model: string): void {
    for (const budget of this.#ofNameless.get(turn) ?? []) budget.named(turn.turnId, model);
    this.#ofNameless.delete(turn);
  }

  /** The first budget that is used up. */
  usedUp({ threadId, rootTurnId }: ChargedTo): ScopedBudget | undefined {
    const own = (this.#ofTurns.get(rootTurnId) ?? []).map((budget): ScopedBudget => ({
      scope: "turn",
      budget,
    }));
    return [...own, ...this.#ofThread(threadId)].find(({ budget }) => budget.isUsedUp);
  }

  /** Those that are charged with what is used there. */
  of({ threadId, rootTurnId }: ChargedTo): ReadonlySet<Budget> {
    const others = this.#ofThread(threadId).map(({ budget }) => budget);
    return new Set([...(this.#ofTurns.get(rootTurnId) ?? []), ...others]);
  }

  /** The budgets of a turn that is to begin, or runs; `own` is what its handle has. */
  #ofThread(threadId: string, own?: Budget): readonly ScopedBudget[] {
    const ofThread = this.#ofThreads.get(threadId);
    return [
      ...(own ? [{ scope: "turn", budget: own } as const] : []),
      ...(ofThread ? [{ scope: "thread", budget: ofThread } as const] : []),
      ...(this.#client ? [{ scope: "client", budget: this.#client } as const] : []),
    ];
  }
}
