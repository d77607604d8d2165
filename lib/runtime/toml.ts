import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

// The server's TOML reader gives up at about 80 levels, and the server then silently takes the
// literal's text as a string.
const maxDepth = 64;

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/** The place of a value, for messages and against cycles. */
export interface TomlPlace {
  /** The path as the caller would write it, e.g. `config.projects["/a"].trust_level`. */
  readonly path: string;
  /** The objects and arrays around it, outermost first. */
  readonly parents: readonly object[];
}

/**
 * One value as a TOML literal on one line.
 *
 * @throws InvalidArgumentError naming the place, never the value, when TOML cannot say it.
 */
export function tomlLiteral(value: unknown, place: TomlPlace): string {
  switch (typeof value) {
    case "string":
      return tomlString(value, place.path);
    case "number":
      return tomlNumber(value, place.path);
    case "bigint":
      if (value < minInt64 || value > maxInt64) {
        throw new InvalidArgumentError(place.path, "must fit into 64 bits.");
      }
      return value.toString();
    case "boolean":
      return String(value);
    case "object":
      if (value !== null) {
        if (!Array.isArray(value)) return tomlTable(value, place);
        const inner = enter(value, place);
        const items: readonly unknown[] = value;
        // Array.from, unlike map, also visits the holes of a sparse array.
        const literals = Array.from(items, (item, index) => tomlLiteral(item, inner.at(index)));
        return `[${literals.join(",")}]`;
      }
      throw new InvalidArgumentError(
        place.path,
        "must not be null, which TOML cannot say. Leave the key out instead.",
      );
    default:
      throw new InvalidArgumentError(
        place.path,
        `must be a string, number, boolean, array or plain object, not ${typeof value}.`,
      );
  }
}

/**
 * The entries of a plain object that say something: those that are `undefined` count as left out.
 *
 * @throws InvalidArgumentError when it is not a plain object, is nested too deeply, or contains itself.
 */
export function tableEntries(
  table: object,
  place: TomlPlace,
): { key: string; value: unknown; place: TomlPlace }[] {
  const prototype: unknown = Object.getPrototypeOf(table);
  // The last test is for plain objects of another realm, such as a vm context.
  const plain =
    prototype === null ||
    prototype === Object.prototype ||
    Object.getPrototypeOf(prototype) === null;
  if (Array.isArray(table) || !plain) {
    throw new InvalidArgumentError(
      place.path,
      "must be a plain object, array, string, number or boolean.",
    );
  }
  const inner = enter(table, place);
  return Object.entries(table)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]: [string, unknown]) => ({ key, value, place: inner.at(key) }));
}

/** Whether TOML takes the key without quotes. */
export function isBareKey(key: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(key);
}

function tomlTable(table: object, place: TomlPlace): string {
  const pairs = tableEntries(table, place).map(({ key, value, place: inner }) => {
    const name = isBareKey(key) ? key : tomlString(key, inner.path);
    return `${name}=${tomlLiteral(value, inner)}`;
  });
  return `{${pairs.join(",")}}`;
}

function enter(parent: object, place: TomlPlace): { at(key: string | number): TomlPlace } {
  if (place.parents.includes(parent)) {
    throw new InvalidArgumentError(place.path, "must not contain itself.");
  }
  const parents = [...place.parents, parent];
  if (parents.length > maxDepth) {
    throw new InvalidArgumentError(
      place.path,
      `must not be nested more than ${maxDepth} levels deep.`,
    );
  }
  return {
    at(key) {
      const bare = typeof key === "string" && isBareKey(key);
      return { path: `${place.path}${bare ? `.${key}` : `[${JSON.stringify(key)}]`}`, parents };
    },
  };
}

function tomlNumber(value: number, path: string): string {
  if (!Number.isFinite(value)) throw new InvalidArgumentError(path, "must be a finite number.");
  if (Number.isInteger(value)) {
    const integer = BigInt(value);
    if (integer >= minInt64 && integer <= maxInt64) return integer.toString();
  }
  const text = String(value);
  // Digits alone would be an integer that overflows, which the server would take as a string.
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function tomlString(value: string, path: string): string {
  if (/\p{Surrogate}/u.test(value)) {
    throw new InvalidArgumentError(path, "must be well-formed text, without unpaired surrogates.");
  }
  // JSON's escapes are all TOML's too. The rest is legal as it is, but not fit for a command line:
  // control characters, and what some readers take for the end of a line.
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
