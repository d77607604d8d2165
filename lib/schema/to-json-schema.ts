import { isError } from "../async/realms.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { formatPath, isJsonObject, type JsonObject, type JsonSchema } from "./json-schema.js";
import type { StandardJsonSchema, StandardJsonWriter, StandardSchema } from "./standard-schema.js";

/** The newest first; a library throws for those that it cannot write. */
const targets = ["draft-2020-12", "draft-07"];

/** Functions count: schemas of ArkType are some. */
export function isStandardSchema(schema: unknown): schema is StandardSchema {
  const isHolder = typeof schema === "object" || typeof schema === "function";
  return isHolder && schema !== null && isJsonObject(Reflect.get(schema, "~standard"));
}

/**
 * A schema as JSON Schema of what it takes in, in a copy of our own. `where` names it in errors.
 *
 * @throws InvalidArgumentError
 */
export function toJsonSchema(schema: StandardJsonSchema | JsonSchema, where: string): JsonObject {
  const written: unknown = isStandardSchema(schema) ? write(schema, where) : schema;
  if (!isJsonObject(written)) {
    throw new InvalidArgumentError(where, "must be a Standard Schema or a JSON Schema object");
  }
  try {
    return JSON.parse(JSON.stringify(written)) as JsonObject;
  } catch (cause) {
    throw new InvalidArgumentError(where, "must be a schema that can be written as JSON", {
      cause,
    });
  }
}

function write(schema: StandardSchema, where: string): unknown {
  const properties = schema["~standard"];
  if (!hasWriter(properties)) {
    throw new InvalidArgumentError(
      where,
      "is a Standard Schema that cannot write itself as JSON Schema. Update its library (Zod can " +
        "since 4.2, ArkType since 2.1.28); pass z.toJSONSchema(schema) if it is of zod/mini, which " +
        "cannot; wrap it with toStandardJsonSchema of @valibot/to-json-schema if it is Valibot's; or " +
        "pass JSON Schema instead",
    );
  }
  let problem: unknown;
  for (const target of targets) {
    try {
      return properties.jsonSchema.input({ target });
    } catch (error) {
      problem ??= error;
    }
  }
  const reason = isError(problem) ? `: ${problem.message}` : "";
  const place = placeOfProblem(properties.jsonSchema, where) ?? where;
  throw new InvalidArgumentError(place, `cannot be written as JSON Schema${reason}`, {
    cause: problem,
  });
}

/** Options that make Zod and Valibot leave out what they cannot write, instead of throwing. */
const lenient = { unrepresentable: "any", errorMode: "ignore" };

/** Libraries do not say which part they cannot write; when only one is left out, it is that. */
function placeOfProblem(writer: StandardJsonWriter, where: string): string | undefined {
  try {
    const target = targets[0] ?? "";
    const written = writer.input({ target, libraryOptions: lenient });
    const places = emptyParts(written, where);
    return places.length === 1 ? places[0] : undefined;
  } catch {
    return undefined;
  }
}

function emptyParts(schema: unknown, where: string): string[] {
  if (Array.isArray(schema)) {
    return schema.flatMap((part, index) => emptyParts(part, `${where}[${index}]`));
  }
  if (!isJsonObject(schema)) return [];
  if (Object.keys(schema).length === 0) return [where];
  const { properties = {}, $defs: definitions = {}, items, anyOf, oneOf } = schema;
  const named = { properties, $defs: definitions };
  return [
    ...Object.entries(named).flatMap(([keyword, parts]) =>
      Object.entries(parts as object).flatMap(([key, part]) =>
        emptyParts(part, formatPath([key], `${where}.${keyword}`)),
      ),
    ),
    ...Object.entries({ items, anyOf, oneOf }).flatMap(([keyword, part]) =>
      emptyParts(part, `${where}.${keyword}`),
    ),
  ];
}

function hasWriter(properties: object): properties is StandardJsonSchema["~standard"] {
  const writer: unknown = Reflect.get(properties, "jsonSchema");
  return isJsonObject(writer) && typeof writer.input === "function";
}
