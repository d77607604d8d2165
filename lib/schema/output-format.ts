import type { JsonObject, JsonSchema } from "./json-schema.js";
import type { StandardJsonSchema } from "./standard-schema.js";
import { toStrictSchema } from "./strict-schema.js";
import { toJsonSchema } from "./to-json-schema.js";
import { validate, type Validated } from "./validate.js";

/**
 * The shape of an answer: a Standard Schema that can write itself as JSON Schema, as those of Zod 4
 * and ArkType can, or JSON Schema. An object at the top.
 */
export type OutputSchema<Output = unknown> = StandardJsonSchema<unknown, Output> | JsonSchema;

/** The shape that the model is asked for, and the way to read its answer. */
export interface OutputFormat {
  /** The schema that is sent as `outputSchema`. */
  readonly schema: JsonObject;
  /** Reads the JSON value of an answer. Rejects with what the schema's own functions throw. */
  readonly read: (answer: unknown) => Promise<Validated>;
}

/** @throws InvalidArgumentError for what strict mode cannot express, with the path of the part. */
export function toOutputFormat(schema: OutputSchema, where = "outputSchema"): OutputFormat {
  const written = toJsonSchema(schema, where);
  const strict = toStrictSchema(written, where);
  return {
    schema: strict.schema,
    read: (answer) => validate(schema, written, strict.restore(answer)),
  };
}
