import { isJsonObject, resolveRef, type JsonObject } from "./json-schema.js";

const allTypes = ["string", "number", "integer", "boolean", "object", "array", "null"];

/** The types that a schema names or, where it names none, those that its other keywords imply. */
export function typesOf(schema: JsonObject): readonly string[] | undefined {
  const { type } = schema;
  const named = Array.isArray(type)
    ? (type as unknown[])
    : type === undefined
      ? implied(schema)
      : [type];
  if (!named || named.length === 0) return undefined;
  const known = named.every((each) => typeof each === "string" && allTypes.includes(each));
  return known ? [...new Set(named as string[])] : undefined;
}

function implied(schema: JsonObject): unknown[] | undefined {
  if (Array.isArray(schema.enum)) return (schema.enum as unknown[]).map(typeOf);
  if (schema.const !== undefined) return [typeOf(schema.const)];
  if (schema.properties !== undefined) return ["object"];
  return schema.items === undefined ? undefined : ["array"];
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Whether null fits the schema by itself. */
export function acceptsNull(
  root: JsonObject,
  schema: unknown,
  refs: readonly string[] = [],
): boolean {
  if (!isJsonObject(schema)) return schema === true;
  const { $ref: ref } = schema;
  if (typeof ref === "string") {
    return !refs.includes(ref) && acceptsNull(root, resolveRef(root, ref), [...refs, ref]);
  }
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(alternatives))
    return alternatives.some((each) => acceptsNull(root, each, refs));
  if (Array.isArray(schema.enum) && !schema.enum.includes(null)) return false;
  if (schema.const !== undefined && schema.const !== null) return false;
  return typesOf(schema)?.includes("null") ?? false;
}

/** Whether a reference comes back to itself without any property or item on the way. */
export function isEmptyCycle(root: JsonObject, reference: JsonObject): boolean {
  const start = String(reference.$ref);
  const seen = new Set<string>();
  const comesBack = (schema: unknown): boolean => {
    if (!isJsonObject(schema)) return false;
    const { $ref: ref } = schema;
    if (typeof ref !== "string") {
      const alternatives = schema.anyOf ?? schema.oneOf;
      return Array.isArray(alternatives) && alternatives.some(comesBack);
    }
    if (ref === start && seen.size > 0) return true;
    if (seen.has(ref)) return false;
    seen.add(ref);
    return comesBack(resolveRef(root, ref));
  };
  return comesBack(reference);
}
