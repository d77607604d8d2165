import type { HarnessSchema, HarnessSchemaResult } from "./harness-types.js";

/** A schema of this library's own. `problemOf` says what is wrong with a value; undefined when it fits. */
export function harnessSchema<Value>(
  jsonSchema: Record<string, unknown>,
  problemOf: (value: unknown) => string | undefined,
): HarnessSchema<Value> {
  const asJson = (): Record<string, unknown> => structuredClone(jsonSchema);
  return {
    "~standard": {
      version: 1,
      vendor: "codex-app-server-sdk",
      validate: (value): HarnessSchemaResult<Value> => {
        const message = problemOf(value);
        return message === undefined ? { value: value as Value } : { issues: [{ message }] };
      },
      jsonSchema: { input: asJson, output: asJson },
    },
  };
}

/** The fields of a value that may be anything. */
export function fieldsIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
