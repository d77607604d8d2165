import { format, resolveConfig } from "prettier";
import * as TJS from "typescript-json-schema";

const source = "lib/http/bodies.ts";

/** Where the schemas lie. */
export const target = "lib/http/body-schemas.ts";

const names = [
  "TurnBody",
  "SteerBody",
  "NewThreadBody",
  "ApprovalBody",
  "SessionApprovalBody",
  "AnswersBody",
];

/** The module with a JSON Schema for each body, each whole in itself, as text. */
export async function makeBodySchemas(): Promise<string> {
  const program = TJS.getProgramFromFiles([source], {
    strict: true,
    target: "ES2023",
    lib: ["ES2023"],
    skipLibCheck: true,
    types: [],
  });
  const generator = TJS.buildGenerator(program, { required: true, strictNullChecks: true });
  if (!generator) throw new Error(`${source} does not compile`);
  const schemas = names.map((name) => {
    const { $schema, ...schema } = JSON.parse(
      JSON.stringify(generator.getSchemaForSymbol(name), withLimitsInside),
    ) as TJS.Definition;
    const $id = `urn:codex-app-server-sdk:schema:${name}`;
    return `  ${name}: ${JSON.stringify({ $schema, $id, title: name, ...schema })},`;
  });
  const text = `// Made by \`tsx scripts/body-schemas/index.ts\` from ${source}; do not edit.

/**
 * JSON Schemas (draft-07) for the bodies of requests that come from browsers: closed, so that nothing gets in that they do
 * not name. They have no paths, directories, sandboxes, policies or configuration.
 */
export const bodySchemas = {
${schemas.join("\n")}
} as const;
`;
  return format(text, { ...(await resolveConfig(target)), parser: "typescript" });
}

/** The limits of a text that may also be a list stand beside both; they belong to the text. */
function withLimitsInside(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("anyOf" in value)) return value;
  const { minLength, maxLength, anyOf, ...rest } = value as TJS.Definition;
  const inside = anyOf?.map((branch) =>
    typeof branch === "object" && branch.type === "string"
      ? { ...branch, minLength, maxLength }
      : branch,
  );
  return { ...rest, anyOf: inside };
}
