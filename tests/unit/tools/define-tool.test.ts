import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import { describe, expect, test } from "@jest/globals";
import * as v from "valibot";
import * as z from "zod";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { ToolInputError } from "../../../lib/tools/tool-errors.js";
import { defineTool } from "../../../lib/tools/define-tool.js";
import type { ToolContext } from "../../../lib/tools/tool.js";

const context: ToolContext = {
  signal: new AbortController().signal,
  threadId: "thread-1",
  turnId: "turn-1",
  callId: "call-1",
};

const base = {
  name: "weather",
  description: "The weather of a city",
  input: { type: "object" },
  execute: () => "sunny",
};

function refusal(definition: object): InvalidArgumentError {
  try {
    defineTool({ ...base, ...definition });
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error;
  }
  throw new Error("it was not refused");
}

describe("a tool", () => {
  test.each([
    ["Zod", z.object({ city: z.string(), days: z.int().optional() })],
    ["ArkType", type({ city: "string", "days?": "number.integer" })],
    [
      "Valibot",
      toStandardJsonSchema(
        v.object({ city: v.string(), days: v.optional(v.pipe(v.number(), v.integer())) }),
      ),
    ],
    [
      "plain JSON Schema",
      {
        type: "object",
        properties: { city: { type: "string" }, days: { type: "integer" } },
        required: ["city"],
      },
    ],
  ])("describes and checks its arguments by a schema of %s", async (_name, input) => {
    const tool = defineTool({ ...base, input, execute: (args) => ({ got: args }) });
    expect(tool).toMatchObject({ name: "weather", description: "The weather of a city" });
    expect(tool.inputSchema).toMatchObject({
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
      required: ["city"],
    });
    await expect(tool.execute({ city: "Rome" }, context)).resolves.toEqual({
      got: { city: "Rome" },
    });
    const wrong: unknown = await tool
      .execute({ city: "Rome", days: 1.5 }, context)
      .catch((error: unknown) => error);
    expect(wrong).toBeInstanceOf(ToolInputError);
    expect(wrong).toMatchObject({
      code: "TOOL_INPUT",
      tool: "weather",
      issues: [{ path: ["days"] }],
      message: "The arguments of weather do not fit its input; see issues.",
    });
  });

  test("gets what its schema makes of the arguments, and the context", async () => {
    const input = z.object({ count: z.string().transform(Number), unit: z.string().default("m") });
    const tool = defineTool({ ...base, input, execute: (args, given) => [args, given] });
    await expect(tool.execute({ count: "3" }, context)).resolves.toEqual([
      { count: 3, unit: "m" },
      context,
    ]);
  });

  test("does not run when its arguments do not fit", async () => {
    let runs = 0;
    const input = z.object({ city: z.string() });
    const tool = defineTool({ ...base, input, execute: () => `run ${(runs += 1)}` });
    for (const args of [{}, [], "Rome", null, undefined, { city: 1 }]) {
      await expect(tool.execute(args, context)).rejects.toBeInstanceOf(ToolInputError);
    }
    expect(runs).toBe(0);
  });

  test("may return nothing, at once or later, and throw", async () => {
    const boom = new Error("boom");
    const done: string[] = [];
    const now = defineTool({
      ...base,
      execute: () => {
        done.push("now");
      },
    });
    const later = defineTool({
      ...base,
      execute: async () => {
        await Promise.resolve();
        done.push("later");
      },
    });
    const failing = defineTool({
      ...base,
      execute: () => {
        throw boom;
      },
    });
    await expect(now.execute({}, context)).resolves.toBeUndefined();
    await expect(later.execute({}, context)).resolves.toBeUndefined();
    await expect(failing.execute({}, context)).rejects.toBe(boom);
    expect(done).toEqual(["now", "later"]);
  });
});

describe("a definition that cannot work is refused", () => {
  test.each([
    ["a name with a dot", { name: "a.b" }, "name"],
    ["a name with other letters", { name: "wetter_für" }, "name"],
    ["an empty name", { name: "" }, "name"],
    ["a name that is too long", { name: "a".repeat(129) }, "name"],
    ["a name of an MCP tool", { name: "mcp__files__read" }, "name"],
    ["no name", { name: undefined }, "name"],
    ["an empty description", { description: " " }, "description"],
    ["no description", { description: undefined }, "description"],
    ["no function", { execute: "sunny" }, "execute"],
    ["no input", { input: undefined }, "input"],
    ["a text as input", { input: z.string() }, "input"],
    [
      "alternatives as input",
      { input: z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]) },
      "input",
    ],
    ["a schema that cannot write itself", { input: v.object({}) }, "input"],
    ["a part that cannot be written", { input: z.object({ when: z.date() }) }, "input"],
  ])("%s", (_name, definition, argument) => {
    expect(refusal(definition).argument).toBe(argument);
  });

  test("and the longest name is taken", () => {
    expect(defineTool({ ...base, name: "a".repeat(128) }).name).toHaveLength(128);
  });
});
