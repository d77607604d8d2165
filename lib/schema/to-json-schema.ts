import { isError } from "../async/realms.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { isJsonObject, type JsonObject, type JsonSchema } from "./json-schema.js";
import type { StandardJsonSchema, StandardSchema } from "./standard-schema.js";

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
  throw new InvalidArgumentError(where, `cannot be written as JSON Schema${reason}`, {
    cause: problem,
  });
}

function hasWriter(properties: object): properties is StandardJsonSchema["~standard"] {
  const writer: unknown = Reflect.get(properties, "jsonSchema");
  return isJsonObject(writer) && typeof writer.input === "function";
}
