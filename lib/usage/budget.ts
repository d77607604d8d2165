import { checkKeys } from "../errors/check-options.js";
import { amount, checkFields, type Rule } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import type { Tokens, UsageOfModel } from "../results/turn-tokens.js";
import { checkPrices, sumOf, type Prices } from "./cost-of.js";
import { addTokens, keyOf, noTokens } from "./tokens.js";
import { PriceMissingError } from "./price-missing-error.js";

/** How much may be used: of tokens, of money, or of both, of which the one counts that is used up first. */
export interface BudgetLimits {
  /** So many tokens, input and output together. */
  readonly tokens?: number | undefined;
  /** So much money, in the currency of `prices`. */
  readonly cost?: number | undefined;
  /**
   * What the models cost; needed for a `cost`. A model that is missing here uses the budget up at once, and so does one
   * that the server has not named ten seconds after it has used something.
   */
  readonly prices?: Prices | undefined;
}

/** An amount of each kind that a budget limits; `null` for a kind that it does not limit. */
export interface BudgetAmount {
  readonly tokens: number | null;
  readonly cost: number | null;
}

/**
 * So long the server may take to name the model that has used something (ms): that of a sub-agent is told by its
 * caller, mostly before it uses anything, but on a busy machine behind that.
 */
const namingMs = 10_000;

/** What a turn has used whose model was not named so far. */
interface Nameless {
  readonly usage: UsageOfModel;
  /** On the clock of `performance.now()`. */
  readonly since: number;
}

const positive: Rule = {
  fits: (value) => amount.fits(value) && (value as number) > 0,
  problem: "must be a number that is more than 0",
};

/**
 * What turns may use. Give the same object to several turns, threads or clients, and they share it. Keep it to
 * read what remains, and to top it up.
 *
 * ```ts
 * const budget = new Budget({ tokens: 200_000 });
 * await thread.run("Tidy up.", { budget });
 * console.log(budget.remaining.tokens);
 * ```
 */
export class Budget {
  readonly #prices: Prices | undefined;
  /** What is to be priced, by what has one price. */
  readonly #used = new Map<string, UsageOfModel>();
  /** By the turn, the oldest first. */
  readonly #nameless = new Map<string, Nameless>();
  #limits: BudgetAmount;
  #tokens: Tokens = noTokens;

  /** @throws InvalidArgumentError */
  constructor(limits: BudgetLimits) {
    checkLimits("budget", limits);
    const { tokens = null, cost = null, prices } = limits;
    this.#limits = { tokens, cost };
    // What is charged is not to change because somebody goes on using the object.
    this.#prices = prices && structuredClone(prices);
  }

  /** How much may be used in all, with what it was topped up by. */
  get limits(): BudgetAmount {
    return this.#limits;
  }

  /**
   * How much was used. `cost` is `null` when it is not limited, and when a price is missing; what a model has used that
   * is yet to be named comes on top of it as soon as it is.
   */
  get spent(): BudgetAmount {
    return { tokens: this.#tokens.total, cost: this.#costs() };
  }

  /**
   * How much remains, 0 at least. The server tells what was used after each response of the model, so one
   * response, or one of each turn that runs, may use more than was left.
   */
  get remaining(): BudgetAmount {
    const { tokens, cost } = this.#limits;
    return {
      tokens: tokens === null ? null : Math.max(0, tokens - this.#tokens.total),
      cost: cost === null ? null : Math.max(0, cost - (this.#costs() ?? cost)),
    };
  }

  /** Whether nothing remains of what it limits: then no turn begins, and those that run are interrupted. */
  get isUsedUp(): boolean {
    const { tokens, cost } = this.remaining;
    return tokens === 0 || cost === 0;
  }

  /** The price that is missing for what was used, if one is; the budget is used up then. */
  get missingPrice(): PriceMissingError | undefined {
    if (this.#limits.cost === null) return undefined;
    const [oldest] = this.#nameless.values();
    if (oldest && performance.now() - oldest.since >= namingMs) {
      return new PriceMissingError(null, null);
    }
    try {
      this.#sum();
      return undefined;
    } catch (error) {
      if (error instanceof PriceMissingError) return error;
      throw error;
    }
  }

  /**
   * Allows so much more. It does not go on with what was interrupted: start another turn.
   *
   * @throws InvalidArgumentError for a kind that this budget does not limit.
   */
  topUp(more: { readonly tokens?: number | undefined; readonly cost?: number | undefined }): void {
    checkKeys("topUp()", more, { tokens: true, cost: true });
    checkFields(more, { tokens: positive, cost: positive });
    const { tokens, cost } = this.#limits;
    for (const [kind, limit] of Object.entries({ tokens, cost })) {
      const isGiven = more[kind as "tokens" | "cost"] !== undefined;
      if (isGiven && limit === null) {
        throw new InvalidArgumentError(kind, `is not limited by this budget`);
      }
    }
    this.#limits = {
      tokens: tokens === null ? null : tokens + (more.tokens ?? 0),
      cost: cost === null ? null : cost + (more.cost ?? 0),
    };
  }

  /** Takes off what was used in a turn. @internal */
  charge(usage: UsageOfModel, turnId: string): void {
    this.#tokens = addTokens(this.#tokens, usage.tokens);
    if (this.#limits.cost === null) return;
    if (usage.model !== null) {
      this.#add(usage);
      return;
    }
    const { usage: before, since } = this.#nameless.get(turnId) ?? {
      usage: { ...usage, tokens: noTokens },
      since: performance.now(),
    };
    const tokens = addTokens(before.tokens, usage.tokens);
    this.#nameless.set(turnId, { usage: { ...usage, tokens }, since });
  }

  /** The model becomes known that has used what was charged without one. @internal */
  named(turnId: string, model: string): void {
    const nameless = this.#nameless.get(turnId);
    if (nameless) this.#add({ ...nameless.usage, model });
    this.#nameless.delete(turnId);
  }

  #add(usage: UsageOfModel): void {
    const key = keyOf(usage);
    const before = this.#used.get(key)?.tokens ?? noTokens;
    this.#used.set(key, { ...usage, tokens: addTokens(before, usage.tokens) });
  }

  #costs(): number | null {
    if (this.#limits.cost === null) return null;
    return this.missingPrice ? null : this.#sum();
  }

  #sum(): number {
    return sumOf(this.#used.values(), this.#prices ?? {});
  }
}

/** A budget as an option takes it: an object of its own from limits. @throws InvalidArgumentError */
export function toBudget(given: Budget | BudgetLimits | undefined): Budget | undefined {
  return given === undefined || given instanceof Budget ? given : new Budget(given);
}

/** @throws InvalidArgumentError */
export function checkLimits(path: string, limits: BudgetLimits): void {
  checkKeys(path, limits, { tokens: true, cost: true, prices: true });
  checkFields(limits, { tokens: positive, cost: positive }, path);
  const { tokens, cost, prices } = limits;
  if (tokens === undefined && cost === undefined) {
    throw new InvalidArgumentError(path, "must have tokens, or a cost with its prices");
  }
  if (cost !== undefined && prices === undefined) {
    throw new InvalidArgumentError(`${path}.prices`, "must be given with a cost");
  }
  if (prices !== undefined) checkPrices(`${path}.prices`, prices);
}
