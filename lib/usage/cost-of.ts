import { amount, check, checkObject, object, type Rule } from "../errors/check-values.js";
import type { Tokens, UsageOfModel } from "../results/turn-tokens.js";
import { PriceMissingError } from "./price-missing-error.js";

/** Prices of a million tokens, in whatever currency. */
export interface TokenPrices {
  /** Of a million tokens of input that did not come from the cache. */
  readonly input: number;
  /** Of a million tokens of input that came from the cache (default: as `input`). */
  readonly cachedInput?: number | undefined;
  /** Of a million tokens of input that were written to the cache (default: as `input`). */
  readonly cacheWriteInput?: number | undefined;
  /** Of a million tokens of output; reasoning is output. */
  readonly output: number;
}

/** The prices of one model. */
export interface ModelPrices extends TokenPrices {
  /**
   * The prices in service tiers other than the usual one: a number that the others are multiplied by, or prices
   * of its own. A tier that is missing here has no price; without this option all tiers cost the same.
   */
  readonly serviceTiers?: Readonly<Record<string, number | TokenPrices>> | undefined;
}

/** The prices of models, by their names: `{ "gpt-x": { input: 1.25, cachedInput: 0.125, output: 10 } }`. */
export type Prices = Readonly<Record<string, ModelPrices>>;

const priceRules = { input: amount, cachedInput: amount, cacheWriteInput: amount, output: amount };
const tierRule: Rule = {
  fits: (value) => amount.fits(value) || object.fits(value),
  problem: "must be a number, 0 or more, or an object with prices",
};

/**
 * Computes what tokens cost: of a record of `codex.usage.turns()`, of `usageWithSubagents` of a result, or of
 * whatever else tells its tokens by model. Pure: it knows no prices but those that it is given.
 *
 * The sum is a floating-point number in the currency of the prices, not rounded: keep the tokens, which are
 * whole numbers, and round what you charge, once.
 *
 * @throws PriceMissingError for a model, or a service tier of it, that has no price; InvalidArgumentError.
 */
export function costOf(
  usage: { readonly byModel: readonly UsageOfModel[] },
  prices: Prices,
): number {
  check("usage", usage, { fits: hasModels, problem: "must have its tokens by model, as byModel" });
  checkPrices("prices", prices);
  return sumOf(usage.byModel, prices);
}

/** The same of prices that are checked. @throws PriceMissingError */
export function sumOf(byModel: Iterable<UsageOfModel>, prices: Prices): number {
  let cost = 0;
  for (const usage of byModel) cost += priceOf(usage, prices);
  return cost / 1_000_000;
}

/** @throws InvalidArgumentError, which names the price. */
export function checkPrices(path: string, prices: Prices): void {
  check(path, prices, object);
  for (const [model, ofModel] of Object.entries(prices)) {
    const at = `${path}["${model}"]`;
    checkObject(at, ofModel, { ...priceRules, serviceTiers: object });
    checkComplete(at, ofModel);
    for (const [tier, ofTier] of Object.entries(ofModel.serviceTiers ?? {})) {
      const atTier = `${at}.serviceTiers["${tier}"]`;
      check(atTier, ofTier, tierRule);
      if (typeof ofTier === "number") continue;
      checkObject(atTier, ofTier, priceRules);
      checkComplete(atTier, ofTier);
    }
  }
}

function checkComplete(path: string, { input, output }: TokenPrices): void {
  check(`${path}.input`, input, amount);
  check(`${path}.output`, output, amount);
}

function priceOf({ model, serviceTier, tokens }: UsageOfModel, prices: Prices): number {
  const ofModel = model !== null && Object.hasOwn(prices, model) ? prices[model] : undefined;
  if (!ofModel) throw new PriceMissingError(model, null);
  const { serviceTiers } = ofModel;
  if (serviceTier === null || !serviceTiers) return priceIn(ofModel, tokens);
  const ofTier = Object.hasOwn(serviceTiers, serviceTier) ? serviceTiers[serviceTier] : undefined;
  if (ofTier === undefined) throw new PriceMissingError(model, serviceTier);
  return typeof ofTier === "number" ? ofTier * priceIn(ofModel, tokens) : priceIn(ofTier, tokens);
}

function priceIn(prices: TokenPrices, tokens: Tokens): number {
  const { input, output, cachedInput = input, cacheWriteInput = input } = prices;
  const fresh = tokens.input - tokens.cachedInput - tokens.cacheWriteInput;
  return (
    Math.max(0, fresh) * input +
    tokens.cachedInput * cachedInput +
    tokens.cacheWriteInput * cacheWriteInput +
    tokens.output * output
  );
}

function hasModels(usage: unknown): boolean {
  const { byModel } = object.fits(usage) ? (usage as { byModel?: unknown }) : {};
  const isOfModel = (each: unknown): boolean =>
    object.fits(each) && object.fits((each as { tokens?: unknown }).tokens);
  return Array.isArray(byModel) && byModel.every(isOfModel);
}
