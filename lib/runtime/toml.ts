import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

// The server's TOML reader gives up at about 80 levels, and the server then silently takes the
// literal's text as a string.
const maxDepth = 64;

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/** The place of a value, for messages and against cycles. */
export class TomlPlace {
  readonly #path: string;
  readonly #parents: readonly object[];

  /**
   * `path`: as the caller would write it, e.g. `config.projects["/a"].trust_level`; `parents`: the objects
   * and arrays around it.
   */
  constructor(path: string, parents: readonly object[] = []) {
    this.#path = path;
    this.#parents = parents;
  }

  refuse(problem: string): never {
    throw new InvalidArgumentError(this.#path, problem);
  }

  /** The places in `parent`, the object or array that stands here. */
  within(parent: object): (key: string | number) => TomlPlace {
    if (this.#parents.includes(parent)) this.refuse("must not contain itself.");
    if (this.#parents.length === maxDepth) {
      this.refuse(`must not be nested more than ${maxDepth} levels deep.`);
    }
    const parents = [...this.#parents, parent];
    return (key) => {
      const bare = typeof key === "string" && isBareKey(key);
      return new TomlPlace(
        `${this.#path}${bare ? `.${key}` : `[${JSON.stringify(key)}]`}`,
        parents,
      );
    };
  }
}

/**
 * One value as a TOML literal on one line.
 *
 * @throws InvalidArgumentError naming the place, never the value, when TOML cannot say it.
 */
export function tomlLiteral(value: unknown, place: TomlPlace): string {
  if (value === null)
    place.refuse("must not be null, which TOML cannot say. Leave the key out instead.");
  switch (typeof value) {
    case "string":
      return tomlString(value, place);
    case "number":
      return tomlNumber(value, place);
    case "bigint":
      if (value < minInt64 || value > maxInt64) place.refuse("must fit into 64 bits.");
      return value.toString();
    case "boolean":
      return String(value);
    case "object":
      return Array.isArray(value) ? tomlArray(value, place) : tomlTable(value, place);
    default:
      return place.refuse(
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
    place.refuse("must be a plain object, array, string, number or boolean.");
  }
  const at = place.within(table);
  return Object.entries(table)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]: [string, unknown]) => ({ key, value, place: at(key) }));
}

/** Whether TOML takes the key without quotes. */
export function isBareKey(key: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(key);
}

function tomlArray(items: readonly unknown[], place: TomlPlace): string {
  const at = place.within(items);
  // Array.from, unlike map, also visits the holes of a sparse array.
  return `[${Array.from(items, (item, index) => tomlLiteral(item, at(index))).join(",")}]`;
}

function tomlTable(table: object, place: TomlPlace): string {
  const pairs = tableEntries(table, place).map(({ key, value, place: inner }) => {
    const name = isBareKey(key) ? key : tomlString(key, inner);
    return `${name}=${tomlLiteral(value, inner)}`;
  });
  return `{${pairs.join(",")}}`;
}

function tomlNumber(value: number, place: TomlPlace): string {
  if (!Number.isFinite(value)) place.refuse("must be a finite number.");
  if (Number.isInteger(value)) {
    const integer = BigInt(value);
    if (integer >= minInt64 && integer <= maxInt64) return integer.toString();
  }
  const text = String(value);
  // Digits alone would be an integer that overflows, which the server would take as a string.
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function tomlString(value: string, place: TomlPlace): string {
  if (!value.isWellFormed()) place.refuse("must be well-formed text, without unpaired surrogates.");
  // JSON's escapes are all TOML's too. The rest is legal as it is, but not fit for a command line:
  // control characters, and what some readers take for the end of a line.
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
