import { milliseconds, object, type Rule } from "../../errors/check-values.js";
import { keepTimesRules, readKeepTimes, type KeepTimes } from "./keep-times.js";

/** Options of a store, whatever its database. */
interface StoreOptions extends KeepTimes {
  readonly callTimeoutMs?: number | undefined;
}

export const storeRules = { callTimeoutMs: milliseconds, ...keepTimesRules };

/** The options with their defaults, once they are checked. */
export function readStoreOptions(options: StoreOptions) {
  const { callTimeoutMs = 5_000 } = options;
  return { callTimeoutMs, keep: readKeepTimes(options) };
}

/** For the database of a store: a URL of one of these schemes, or an object, which `others` are words for. */
export function addressRule(schemes: readonly [string, string], others: string): Rule {
  const isUrl = (value: string): boolean =>
    schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value);
  const begins = schemes.map((scheme) => `${scheme}://`).join(" or ");
  return {
    fits: (value) => (typeof value === "string" ? isUrl(value) : object.fits(value)),
    problem: `must be a URL that begins with ${begins}${others}`,
  };
}
