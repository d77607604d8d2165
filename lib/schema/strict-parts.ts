import type { JsonObject } from "./json-schema.js";
import { typesOf } from "./schema-facts.js";
import { strictKeyword } from "./strict-keywords.js";

const nothing = { type: "null" };

/** Makes null one of the values, as the sign that the property is left out. */
export function orNull(schema: JsonObject): JsonObject {
  if (Array.isArray(schema.anyOf)) {
    return { ...schema, anyOf: [...(schema.anyOf as unknown[]), nothing] };
  }
  const types = typesOf(schema) ?? [];
  const isSimple = !types.includes("object") && !types.includes("array") && types.length > 0;
  if (isSimple && !("enum" in schema) && !("const" in schema)) {
    return { ...schema, type: [...types, "null"] };
  }
  const { title, description, ...rest } = schema;
  return { ...describe({ title, description }), anyOf: [rest, nothing] };
}

/** A pattern may be longer than anybody wants to read. */
const maxTold = 200;

/** Title and description; to the latter is added what cannot be said to the model otherwise. */
export function describe(source: JsonObject): JsonObject {
  const told = Object.entries(source)
    .filter(([keyword, value]) => strictKeyword(keyword, value) === "tell")
    .map(([keyword, value]) => `${keyword}: ${JSON.stringify(value)}`)
    .filter(({ length }) => length <= maxTold);
  const texts = [source.description, told.length > 0 ? `(${told.join(", ")})` : undefined];
  const description = texts.filter((text) => typeof text === "string").join(" ");
  return {
    ...(typeof source.title === "string" ? { title: source.title } : {}),
    ...(description === "" ? {} : { description }),
  };
}

/** The keywords that the writer makes anew. */
const rewritten = [
  ...["type", "title", "description", "properties", "required", "additionalProperties", "items"],
];

/** Keywords that are taken over as they are. */
export function isPlainKeyword([keyword, value]: readonly [string, unknown]): boolean {
  return !rewritten.includes(keyword) && strictKeyword(keyword, value) === "keep";
}
