import { callback, check, notBlank } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { ToolInputError } from "./tool-errors.js";
import type { JsonSchema } from "../schema/json-schema.js";
import type { StandardJsonSchema } from "../schema/standard-schema.js";
import { toJsonSchema } from "../schema/to-json-schema.js";
import { validate } from "../schema/validate.js";
import type { Tool, ToolContext, ToolOutput } from "./tool.js";

/** The parts of a tool. */
export interface ToolDefinition<Args> {
  /**
   * 1 to 128 letters, digits, `_` and `-`. If Codex has a tool of the same name, such as `exec_command`,
   * this one is never called.
   */
  readonly name: string;
  /** Tells the model what the tool does, and when to use it. */
  readonly description: string;
  /**
   * The shape of the arguments; an object at the top. Best a Standard Schema that can write itself as JSON
   * Schema, as those of Zod 4 and ArkType do: it checks the arguments and types `args`.
   *
   * With plain JSON Schema, the library checks types, enumerations, properties, items, unions, references
   * and the usual limits, but not formats and conditions, and you name the type of `args`.
   *
   * The server shows the model a simpler schema: types, descriptions, enumerations and structure, without
   * defaults, formats, patterns and most limits. Say in descriptions what matters.
   */
  readonly input: StandardJsonSchema<unknown, Args> | JsonSchema;
  /**
   * Carries out one call. Calls may run at the same time. An error that it throws becomes a failed call:
   * the model sees the error's message, shortened, and nothing else of it.
   */
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- it may return nothing
  readonly execute: (args: Args, context: ToolContext) => ToolOutput | void | Promise<ToolOutput>;
}

/**
 * Makes a tool that the model can call and that runs in this process, to be passed to
 * `startThread({ tools })`. Needs `experimentalApi` (on by default): `dynamicTools` and
 * `item/tool/call` are experimental in the protocol.
 *
 * ```ts
 * const weather = defineTool({
 *   name: "weather",
 *   description: "The weather of a city, now.",
 *   input: z.object({ city: z.string() }),
 *   execute: async ({ city }, { signal }) => fetchWeather(city, signal),
 * });
 * ```
 *
 * @throws InvalidArgumentError
 */
export function defineTool<Args = unknown>(definition: ToolDefinition<Args>): Tool {
  const { name, description, input, execute } = definition;
  checkToolName(name, "name");
  check("description", description, notBlank);
  check("execute", execute, callback);
  const inputSchema = toJsonSchema(input, "input");
  if (inputSchema.type !== "object") {
    throw new InvalidArgumentError("input", "must be an object at the top, with named arguments");
  }
  return {
    name,
    description,
    inputSchema,
    execute: async (args, context) => {
      const checked = await validate(input, inputSchema, args);
      if (checked.issues) throw new ToolInputError(name, checked.issues);
      return (await execute(checked.value as Args, context)) as ToolOutput;
    },
  };
}

/** What the server takes, so that a mistake shows where it was made. */
export function checkToolName(name: unknown, where: string): asserts name is string {
  if (typeof name !== "string" || !/^[a-zA-Z0-9_-]{1,128}$/.test(name)) {
    throw new InvalidArgumentError(where, "must be 1 to 128 letters, digits, _ and -");
  }
  if (name.startsWith("mcp__")) {
    throw new InvalidArgumentError(where, "must not begin with mcp__, as tools of MCP servers do");
  }
}
