import { InvalidArgumentError } from "./invalid-argument-error.js";

/**
 * Every key of an options type, as a value, whatever stands beside it: `true`, or the rule of its option. A
 * constant of this type does not compile when it lacks a key or names one too many; what is spread into it is
 * checked for what it lacks.
 */
export type KeysOf<Options> = Readonly<Record<AnyKeyOf<Options>, unknown>>;

type AnyKeyOf<Options> = Options extends unknown ? keyof Options & string : never;

/** The names of options, whatever they are options of, and whatever the values say of them. */
export type Keys = Readonly<Record<string, unknown>>;

/**
 * Refuses options that `call` does not know: a limit or a handler that is misspelt would be ignored.
 * A key whose value is undefined passes. `elsewhere` says of refused keys where they belong, as the rest of a
 * sentence; `ignored` are keys that pass without effect.
 *
 * @throws InvalidArgumentError, which names the key and the nearest one that has an effect.
 */
export function checkOptions(
  call: string,
  options: unknown,
  keys: Keys,
  {
    elsewhere = {},
    ignored = {},
  }: { elsewhere?: Readonly<Record<string, string>>; ignored?: Keys } = {},
): void {
  const unknown = findUnknownKey("options", options, keys, { ignored });
  if (!unknown) return;
  const { key, advice } = unknown;
  const where = Object.hasOwn(elsewhere, key) ? elsewhere[key] : advice;
  throw new InvalidArgumentError(key, `is not an option of ${call}${where}`);
}

/** Checks an object within the options, whose path is `path`. */
export function checkKeys(path: string, value: unknown, keys: Keys): void {
  const place = (key: string): string =>
    /^\w+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
  const unknown = findUnknownKey(path, value, keys, { place });
  if (unknown) throw new InvalidArgumentError(place(unknown.key), `is not known${unknown.advice}`);
}

/** A key that is not known, fit to be shown, with a sentence that names the nearest one that is. */
export function findUnknownKey(
  path: string,
  value: unknown,
  keys: Keys,
  {
    place = (key: string) => key,
    ignored = {},
  }: { place?: (key: string) => string; ignored?: Keys } = {},
): { readonly key: string; readonly advice: string } | undefined {
  // A Map, a Set or a list looks like an object that has nothing in it.
  if (typeof value !== "object" || value === null || Symbol.iterator in value) {
    throw new InvalidArgumentError(path, "must be an object");
  }
  const unknown = Object.entries(value).find(
    ([key, each]) =>
      each !== undefined && !Object.hasOwn(keys, key) && !Object.hasOwn(ignored, key),
  );
  if (!unknown) return undefined;
  const nearest = nearestTo(unknown[0], keys);
  const advice = nearest === undefined ? "" : `. Did you mean ${place(nearest)}?`;
  return { key: shown(unknown[0]), advice };
}

/**
 * The options with what they inherit of these keys as properties of their own: of an instance with getters,
 * or of an object that was made from another, spreading would leave them out.
 */
export function withInherited<Options extends object>(options: Options, keys: Keys): Options {
  const inherited = Object.keys(keys).filter(
    (key) => key in options && !Object.hasOwn(options, key),
  );
  if (inherited.length === 0) return options;
  const values = inherited.map((key) => [key, options[key as keyof Options]]);
  return { ...Object.fromEntries(values), ...options } as Options;
}

/** An object without some of its keys. */
export function withoutKeys<All extends object, Name extends keyof All & string>(
  all: All,
  ...names: readonly Name[]
): Omit<All, Name> {
  const rest = Object.entries(all).filter(([key]) => !names.some((name) => name === key));
  return Object.fromEntries(rest) as Omit<All, Name>;
}

/** The options that have these keys; the others are left out. */
export function pickKeys<Options extends object, Name extends string>(
  options: Options,
  keys: Readonly<Record<Name, unknown>>,
): Pick<Options, Name & keyof Options> {
  const own = Object.entries(options).filter(([key]) => Object.hasOwn(keys, key));
  return Object.fromEntries(own) as Pick<Options, Name & keyof Options>;
}

/** Keys are written by programmers; what does not look like it is not repeated. */
function shown(key: string): string {
  return /^[\w$./-]{1,60}$/.test(key) ? key : "a key";
}

function nearestTo(key: string, keys: Keys): string | undefined {
  const [nearest] = Object.keys(keys)
    .map((known) => ({ known, likeness: likenessOf(simple(key.slice(0, 60)), simple(known)) }))
    .filter(({ likeness }) => likeness >= 0.5)
    .sort((one, other) => other.likeness - one.likeness);
  return nearest?.known;
}

/** `approval_policy` and `approvalPolicy` are the same word. */
function simple(key: string): string {
  return key.toLowerCase().replace(/[^a-z\d]/g, "");
}

/** From 0 to 1, the same: how many pairs of neighbouring letters the words have in common. */
function likenessOf(one: string, other: string): number {
  const [mine, theirs] = [pairsOf(one), pairsOf(other)];
  const shared = mine.filter((pair) => theirs.includes(pair));
  return (2 * shared.length) / Math.max(1, mine.length + theirs.length);
}

function pairsOf(word: string): string[] {
  return Array.from(word.slice(1), (letter, index) => `${word.charAt(index)}${letter}`);
}
