import { isDeepStrictEqual } from "node:util";
import { isJsonObject, resolveRef, type JsonObject, type SchemaIssue } from "./json-schema.js";

/**
 * Checks a JSON value against plain JSON Schema: types, enumerations, constants, properties, items,
 * unions, references within the document, and the usual limits. Formats, conditions and keywords
 * that it does not know are not checked, nor references to elsewhere. References are looked up in
 * `root`.
 */
export function checkJson(schema: unknown, value: unknown, root = schema): SchemaIssue[] {
  return new JsonCheck(root).issues(schema, value);
}

type Path = readonly (string | number)[];

type Size = (value: unknown) => number | undefined;
type Keeps = (size: number, limit: number) => boolean;

const ofNumber: Size = (value) => (typeof value === "number" ? value : undefined);
const ofString: Size = (value) => (typeof value === "string" ? countCodePoints(value) : undefined);
const ofArray: Size = (value) => (Array.isArray(value) ? value.length : undefined);
const ofObject: Size = (value) => (isJsonObject(value) ? Object.keys(value).length : undefined);

const atLeast: Keeps = (size, limit) => size >= limit;
const atMost: Keeps = (size, limit) => size <= limit;
const moreThan: Keeps = (size, limit) => size > limit;
const lessThan: Keeps = (size, limit) => size < limit;
/** The quotient of decimal fractions is rarely whole to the last bit. */
const multipleOf: Keeps = (size, limit) => {
  const quotient = size / limit;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9 * Math.max(1, Math.abs(quotient));
};

/** What the limits of each keyword hold for, whether a value keeps to one, and what to say if not. */
const limits: Readonly<Record<string, readonly [Size, Keeps, must: string, what?: string]>> = {
  minimum: [ofNumber, atLeast, "must be at least"],
  maximum: [ofNumber, atMost, "must be at most"],
  exclusiveMinimum: [ofNumber, moreThan, "must be more than"],
  exclusiveMaximum: [ofNumber, lessThan, "must be less than"],
  multipleOf: [ofNumber, multipleOf, "must be a multiple of"],
  minLength: [ofString, atLeast, "must have", " characters or more"],
  maxLength: [ofString, atMost, "must have", " characters or less"],
  minItems: [ofArray, atLeast, "must have", " items or more"],
  maxItems: [ofArray, atMost, "must have", " items or less"],
  minProperties: [ofObject, atLeast, "must have", " keys or more"],
  maxProperties: [ofObject, atMost, "must have", " keys or less"],
};

class JsonCheck {
  readonly #root: unknown;

  constructor(root: unknown) {
    this.#root = root;
  }

  issues(schema: unknown, value: unknown, path: Path = [], open: readonly unknown[] = []) {
    const found: SchemaIssue[] = [];
    const report = (message: string, at: Path = path) => {
      found.push({ message, path: at });
    };
    if (schema === false) report("must not be there");
    // A reference that leads back to itself says nothing about the value.
    if (!isJsonObject(schema) || open.includes(schema)) return found;
    const same = [...open, schema];
    if (typeof schema.$ref === "string" && isJsonObject(this.#root)) {
      found.push(...this.issues(resolveRef(this.#root, schema.$ref), value, path, same));
    }
    checkType(schema, value, report);
    checkLimits(schema, value, report);
    checkUnions(schema, (part) => this.issues(part, value, path, same), report);
    if (isJsonObject(value)) found.push(...this.#object(schema, value, path));
    if (Array.isArray(value)) found.push(...this.#array(schema, value, path));
    return found;
  }

  #object(schema: JsonObject, value: JsonObject, path: Path): SchemaIssue[] {
    const properties = isJsonObject(schema.properties) ? schema.properties : {};
    const patterns = isJsonObject(schema.patternProperties) ? schema.patternProperties : {};
    const required = Array.isArray(schema.required) ? (schema.required as unknown[]) : [];
    const found: SchemaIssue[] = [];
    for (const key of required) {
      if (typeof key === "string" && !Object.hasOwn(value, key)) {
        found.push({ message: "is missing", path: [...path, key] });
      }
    }
    for (const [key, part] of Object.entries(value)) {
      const matching = Object.keys(patterns).filter((pattern) => matches(pattern, key));
      const known = Object.hasOwn(properties, key);
      const schemas = [
        ...(known ? [properties[key]] : []),
        ...matching.map((pattern) => patterns[pattern]),
        ...(known || matching.length > 0 ? [] : [schema.additionalProperties]),
      ];
      found.push(...schemas.flatMap((each) => this.issues(each, part, [...path, key])));
    }
    return found;
  }

  #array(schema: JsonObject, value: readonly unknown[], path: Path): SchemaIssue[] {
    // Draft 7 has its tuples in `items`, and the rest in `additionalItems`.
    const old = Array.isArray(schema.items) ? (schema.items as unknown[]) : undefined;
    const tuple = old ?? (Array.isArray(schema.prefixItems) ? schema.prefixItems : []);
    const rest = old ? schema.additionalItems : schema.items;
    const found = value.flatMap((item, index) =>
      this.issues(index < tuple.length ? tuple[index] : rest, item, [...path, index]),
    );
    if (schema.uniqueItems === true && hasRepeats(value)) {
      found.push({ message: "must not have the same item twice", path });
    }
    return found;
  }
}

function checkUnions(
  schema: JsonObject,
  issuesOf: (part: unknown) => SchemaIssue[],
  report: (message: string, path?: Path) => void,
): void {
  const { allOf, anyOf, oneOf, not } = schema;
  const fits = (part: unknown) => issuesOf(part).length === 0;
  if (Array.isArray(anyOf) && !anyOf.some(fits)) report("must fit one of the alternatives");
  if (Array.isArray(oneOf) && oneOf.filter(fits).length !== 1) {
    report("must fit exactly one of the alternatives");
  }
  if (Array.isArray(allOf)) {
    for (const { message, path } of allOf.flatMap(issuesOf)) report(message, path);
  }
  if (not !== undefined && fits(not)) report("must not fit what is excluded");
}

function checkType(schema: JsonObject, value: unknown, report: (message: string) => void): void {
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  if (Array.isArray(types) && !types.some((type) => hasType(value, type))) {
    report(`must be of type ${types.join(" or ")}`);
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((one) => isDeepStrictEqual(one, value))) {
    report(`must be one of ${JSON.stringify(schema.enum)}`);
  }
  if (schema.const !== undefined && !isDeepStrictEqual(schema.const, value)) {
    report(`must be ${JSON.stringify(schema.const)}`);
  }
}

function checkLimits(schema: JsonObject, value: unknown, report: (message: string) => void): void {
  for (const [keyword, [sizeOf, keeps, must, what = ""]] of Object.entries(limits)) {
    const limit = schema[keyword];
    const size = typeof limit === "number" ? sizeOf(value) : undefined;
    if (typeof limit !== "number" || size === undefined || keeps(size, limit)) continue;
    report(`${must} ${limit}${what}`);
  }
  const { pattern } = schema;
  if (typeof pattern === "string" && typeof value === "string" && !matches(pattern, value)) {
    report(`must match the pattern ${pattern}`);
  }
}

function hasType(value: unknown, type: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isJsonObject(value);
    case "integer":
      return Number.isInteger(value);
    case "string":
    case "number":
    case "boolean":
      return typeof value === type;
    default:
      return true;
  }
}

/** A pattern that is no regular expression of JavaScript cannot be checked here. */
function matches(pattern: string, text: string): boolean {
  for (const flags of ["u", ""]) {
    try {
      return new RegExp(pattern, flags).test(text);
    } catch {
      // Without the flag, more is allowed.
    }
  }
  return true;
}

function hasRepeats(items: readonly unknown[]): boolean {
  return items.some((item, index) =>
    items.slice(0, index).some((earlier) => isDeepStrictEqual(earlier, item)),
  );
}

function countCodePoints(text: string): number {
  return text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}
