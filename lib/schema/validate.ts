import { checkJson } from "./check-json.js";
import type { JsonObject, SchemaIssue } from "./json-schema.js";
import type { StandardIssue, StandardSchema } from "./standard-schema.js";
import { isStandardSchema } from "./to-json-schema.js";

/** A value that fits, as its schema gives it back, or why it does not. */
export type Validated =
  { readonly value: unknown; readonly issues?: undefined } | { readonly issues: SchemaIssue[] };

/** Checks a value with the schema's own library, or, for plain JSON Schema, with `checkJson`. */
export async function validate(
  schema: StandardSchema | object,
  written: JsonObject,
  value: unknown,
): Promise<Validated> {
  if (!isStandardSchema(schema)) {
    const issues = checkJson(written, value);
    return issues.length > 0 ? { issues } : { value };
  }
  const outcome = await schema["~standard"].validate(value);
  // Lists of a library may be of a class of its own, whose map() gives another of the kind.
  return outcome.issues
    ? { issues: Array.from(outcome.issues, toIssue) }
    : { value: outcome.value };
}

function toIssue({ message, path = [] }: StandardIssue): SchemaIssue {
  const keys = Array.from(path, (part) => (typeof part === "object" ? part.key : part));
  return { message, path: keys.map((key) => (typeof key === "symbol" ? String(key) : key)) };
}
