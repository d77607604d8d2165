import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { halfCharacter } from "../errors/check-values.js";

/**
 * How many objects and arrays the server's parser takes inside one another: 127, of which the message
 * itself is one.
 */
const maxLevels = 126;

/**
 * Whether the text at `path` in the params of `method`, or in the answer to it, is content, which people
 * and models read: it may be repaired, where everything else would mean something else.
 */
export type IsContent = (method: string, path: readonly string[]) => boolean;

/**
 * Writes params or an answer as JSON that the server's parser takes: what it does not take it never
 * answers, and says nothing. Text with half of a surrogate pair, as cutting text leaves behind, is repaired
 * with U+FFFD where it is content, and refused where it is a name, a path or anything else.
 *
 * `method`: that of the request; of a request of the server, when `value` is the answer. `whole`: what the
 * value is called when none of its fields is to blame.
 *
 * @throws InvalidArgumentError, which names the field.
 */
export function toReadableJson(
  value: unknown,
  { method, whole, isContent }: { method: string; whole: string; isContent: IsContent },
): string | undefined {
  const json = write(value, whole);
  if (json === undefined || isSurelyReadable(value, maxLevels)) return json;
  // What was written is worked on: what wrote it, a `toJSON` say, is not asked again.
  const written: unknown = JSON.parse(json);
  if (isNestedDeeper(written, maxLevels)) throw nestedTooDeep(fieldNestedTooDeep(written) ?? whole);
  const repaired = repair(written, whole, (path) => isContent(method, path));
  return repaired === undefined ? json : JSON.stringify(repaired.value);
}

/**
 * Looks at a value that was written, and so holds no cycles. To look at its text would take longer: for
 * strings of Latin-1, as most are, V8 knows the answer. What a `toJSON` gives stands in the text alone.
 */
function isSurelyReadable(value: unknown, levels: number): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  if (levels === 0 || (value as { toJSON?: unknown }).toJSON !== undefined) return false;
  if (Array.isArray(value)) {
    for (const each of value) if (!isSurelyReadable(each, levels - 1)) return false;
    return true;
  }
  // Also what it inherits, which is not written: at the worst, the text is looked at in vain.
  for (const key in value) {
    if (!key.isWellFormed()) return false;
    if (!isSurelyReadable(value[key as keyof typeof value], levels - 1)) return false;
  }
  return true;
}

/** Undefined for what has no JSON, such as a function. */
function write(value: unknown, whole: string): string | undefined {
  try {
    // Its type says string, but it gives undefined, too.
    return JSON.stringify(value);
  } catch (cause) {
    if (isStackOverflow(cause)) throw nestedTooDeep(fieldThatFails(value) ?? whole);
    throw new InvalidArgumentError(whole, "cannot be written as JSON", { cause });
  }
}

function fieldThatFails(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const field = Object.keys(value).find((key) => {
    try {
      JSON.stringify((value as Record<string, unknown>)[key]);
      return false;
    } catch {
      return true;
    }
  });
  return field === undefined ? undefined : shownPath([field]);
}

function fieldNestedTooDeep(written: unknown): string | undefined {
  const fields = Object.entries(written as object);
  const deepest = fields.find(([, each]) => isNestedDeeper(each, maxLevels - 1));
  return deepest && shownPath([deepest[0]]);
}

function nestedTooDeep(field: string): InvalidArgumentError {
  const problem = `is nested too deep: the server reads at most ${maxLevels - 1} objects and arrays inside one another`;
  return new InvalidArgumentError(field, problem);
}

function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && /call stack/i.test(error.message);
}

/** Undefined when nothing had to be repaired. */
function repair(
  written: unknown,
  whole: string,
  isContent: (path: readonly string[]) => boolean,
): { readonly value: unknown } | undefined {
  const repairs = { made: false };
  const repaired = (value: unknown, path: readonly string[]): unknown => {
    if (typeof value === "string") {
      if (value.isWellFormed()) return value;
      if (!isContent(path)) throw halfCharacter(shownPath(path) ?? whole, "has");
      repairs.made = true;
      return value.toWellFormed();
    }
    if (typeof value !== "object" || value === null) return value;
    const fields = value as Record<string, unknown>;
    for (const key of Object.keys(fields)) {
      if (!key.isWellFormed()) throw halfCharacter(shownPath(path) ?? whole, "has a key with");
      fields[key] = repaired(fields[key], [...path, key]);
    }
    return fields;
  };
  const value = repaired(written, []);
  return repairs.made ? { value } : undefined;
}

/** Keys are written by programmers; from one on that does not look like it, the path is left out. */
function shownPath(path: readonly string[]): string | undefined {
  const end = path.findIndex((key) => !/^[\w$/-]{1,60}$/.test(key));
  const [first, ...rest] = end < 0 ? path : path.slice(0, end);
  if (first === undefined) return undefined;
  return rest.reduce((text, key) => text + (/^\d+$/.test(key) ? `[${key}]` : `.${key}`), first);
}

/** Whether a parsed value has more than `levels` objects and arrays inside one another. */
function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isNestedDeeper(each, levels - 1));
}
