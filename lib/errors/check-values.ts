import { isAbortSignal, isBytes } from "../async/realms.js";
import { checkKeys } from "./check-options.js";
import { InvalidArgumentError } from "./invalid-argument-error.js";

// What is called check… throws an InvalidArgumentError that names the option.

/** What a value has to be. */
export interface Rule {
  readonly fits: (value: unknown) => boolean;
  /** The same in words: the rest of a sentence that begins with the path of the value. */
  readonly problem: string;
}

/** A rule for each option of a type; a constant of this type does not compile when it lacks one. */
export type RulesOf<Options> = Readonly<Record<keyof Options & string, Rule>>;

/** For an option that is checked elsewhere, or by no rule. */
export const anything: Rule = { fits: () => true, problem: "" };

export const flag: Rule = {
  fits: (value) => typeof value === "boolean",
  problem: "must be true or false",
};

export const text: Rule = {
  fits: (value) => typeof value === "string" && value !== "",
  problem: "must be a string that is not empty",
};

export const notBlank: Rule = {
  fits: (value) => typeof value === "string" && value.trim() !== "",
  problem: "must be a string that is not blank",
};

export const string: Rule = {
  fits: (value) => typeof value === "string",
  problem: "must be a string",
};

export const strings: Rule = {
  fits: (value) => Array.isArray(value) && value.every(string.fits),
  problem: "must be an array of strings",
};

export const textOrBytes: Rule = {
  fits: (value) => string.fits(value) || isBytes(value),
  problem: "must be a string or a Uint8Array",
};

export const callback: Rule = {
  fits: (value) => typeof value === "function",
  problem: "must be a function",
};

/** Any signal will do that behaves like one, also of another realm. */
export const abortSignal: Rule = { fits: isAbortSignal, problem: "must be an AbortSignal" };

export const milliseconds = positive("milliseconds");
export const bytes = positive("bytes");

export const amount: Rule = {
  fits: (value) => isNumber(value) && value >= 0 && value !== Infinity,
  problem: "must be a number, 0 or more",
};

export const object: Rule = {
  fits: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  problem: "must be an object",
};

export const flagOrObject: Rule = {
  fits: (value) => flag.fits(value) || object.fits(value),
  problem: "must be true, false or an object",
};

export const filledArray: Rule = {
  fits: (value) => Array.isArray(value) && value.length > 0,
  problem: "must be an array that is not empty",
};

/** A whole number that is not less than `least`; with `orInfinity`, also Infinity. */
export function whole(least: number, orInfinity = false): Rule {
  return {
    fits: (value) =>
      (Number.isSafeInteger(value) && (value as number) >= least) ||
      (orInfinity && value === Infinity),
    problem: `must be a whole number, ${least} or more`,
  };
}

export function oneOf(...choices: readonly unknown[]): Rule {
  return anyOf(choices);
}

/** One of some values; `others` are words for what else there is, and does not fit this rule. */
export function anyOf(choices: readonly unknown[], ...others: readonly string[]): Rule {
  const all = [...choices.map((choice) => JSON.stringify(choice)), ...others];
  const list = [all.slice(0, -1).join(", "), ...all.slice(-1)].filter((part) => part !== "");
  return { fits: (value) => choices.includes(value), problem: `must be ${list.join(" or ")}` };
}

/** @throws InvalidArgumentError with `path` when `value` does not fit. */
export function check(path: string, value: unknown, { fits, problem }: Rule): void {
  if (!fits(value)) throw new InvalidArgumentError(path, problem);
}

/**
 * Checks the options that have a rule; an option that is left out or undefined passes. `path` stands before
 * the name of an option in an error, as in `"reconnect.retries"`.
 */
export function checkFields(
  options: object,
  rules: Readonly<Record<string, Rule>>,
  path?: string,
): void {
  for (const [name, rule] of Object.entries(rules)) {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined) continue;
    check(pathOf(name, path), value, rule);
  }
}

/** The same for an object within the options, which must have no fields without a rule. */
export function checkObject(
  path: string,
  value: unknown,
  rules: Readonly<Record<string, Rule>>,
): void {
  checkKeys(path, value, rules);
  checkFields(value as object, rules, path);
}

/** Checks that none of some options is less than the one before it. */
export function checkOrder(options: Readonly<Record<string, number>>, path?: string): void {
  Object.entries(options).reduce(([lesser, least], [name, value]) => {
    const fits = () => value >= least;
    check(pathOf(name, path), value, { fits, problem: `must not be less than ${lesser}` });
    return [name, value];
  });
}

/** @throws InvalidArgumentError when `value` is not a string, or is empty. */
export function checkText(path: string, value: unknown): void {
  check(path, value, text);
}

/** The same for several values by name. */
export function checkTexts(values: Readonly<Record<string, unknown>>): void {
  for (const [path, value] of Object.entries(values)) checkText(path, value);
}

/** The same for each entry of a list. */
export function checkTextList(path: string, list: readonly unknown[]): void {
  for (const [index, value] of list.entries()) checkText(`${path}[${index}]`, value);
}

/** @throws InvalidArgumentError when a `signal` is given that is none. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined) check("signal", signal, abortSignal);
}

/** @throws InvalidArgumentError for anything else than a positive number of milliseconds. */
export function checkTimeout(timeoutMs: unknown): void {
  check("timeoutMs", timeoutMs, milliseconds);
}

/** Checks text that is to be sent to the server, which cannot read half of a surrogate pair. */
export function checkWellFormed(argument: string, text: string): void {
  if (!text.isWellFormed()) throw halfCharacter(argument, "has");
}

export function halfCharacter(argument: string, has: string): InvalidArgumentError {
  const problem = `${has} half of a surrogate pair, which the server cannot read: cut text between characters`;
  return new InvalidArgumentError(argument, problem);
}

function positive(unit: string): Rule {
  return {
    fits: (value) => isNumber(value) && value > 0,
    problem: `must be a positive number of ${unit}`,
  };
}

function pathOf(name: string, path: string | undefined): string {
  return path === undefined ? name : `${path}.${name}`;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
