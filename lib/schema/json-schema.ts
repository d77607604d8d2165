/**
 * JSON Schema as a plain object, written in place or of any of the types that libraries declare for it. A
 * Standard Schema that cannot write itself as JSON Schema is refused.
 */
export type JsonSchema =
  | { readonly [keyword: string]: unknown; readonly "~standard"?: undefined }
  | (object & { readonly "~standard"?: undefined });

/** A JSON object of which nobody else holds a reference. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The place where a value does not fit a schema, and why. */
export interface SchemaIssue {
  /** For people and models. The words are those of the schema's library, which may quote the value. */
  readonly message: string;
  /** Keys and indexes from the top to the value; empty for the whole value. */
  readonly path: readonly (string | number)[];
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A path as it is written in code: `user.tags[2]`, `user["first name"]`. */
export function formatPath(path: readonly (string | number)[], base = ""): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    if (!/^[\w$]+$/.test(key)) return `${text}[${JSON.stringify(key)}]`;
    return text === "" ? key : `${text}.${key}`;
  }, base);
}

/** Finds the target of a `$ref` inside the same document; undefined when there is none. */
export function resolveRef(root: JsonObject, ref: string): unknown {
  if (ref !== "#" && !ref.startsWith("#/")) return undefined;
  return refKeys(ref).reduce<unknown>((value, key) => {
    const holder = typeof value === "object" && value !== null ? value : {};
    return Object.hasOwn(holder, key) ? (holder as JsonObject)[key] : undefined;
  }, root);
}

/** The name at the end of a reference. */
export function refName(ref: string): string {
  return refKeys(ref).at(-1) ?? "";
}

function refKeys(ref: string): string[] {
  const keys = ref.split("/").slice(1);
  return keys.map((key) => decode(key).replaceAll("~1", "/").replaceAll("~0", "~"));
}

function decode(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
