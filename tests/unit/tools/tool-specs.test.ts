import { describe, expect, test } from "@jest/globals";
import type { DynamicToolSpec } from "../../../generated/types.js";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { defineTool } from "../../../lib/tools/define-tool.js";
import type { Tool } from "../../../lib/tools/tool.js";
import { checkTools, toDynamicTools } from "../../../lib/tools/tool-specs.js";

const tool = (name: string): Tool =>
  defineTool({ name, description: `Does ${name}`, input: { type: "object" }, execute: () => "" });

const raw = (name: string): DynamicToolSpec => ({
  type: "function",
  name,
  description: "Raw",
  inputSchema: {},
});

const group = (name: string): DynamicToolSpec => ({
  type: "namespace",
  name,
  description: "A group",
  tools: [],
});

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.argument;
  }
  throw new Error("it was not refused");
}

describe("what is sent for tools", () => {
  test("names, descriptions and schemas, and the caller's own after them", () => {
    const given = [raw("c"), group("a")];
    expect(toDynamicTools([tool("a"), tool("b")], given)).toEqual([
      { type: "function", name: "a", description: "Does a", inputSchema: { type: "object" } },
      { type: "function", name: "b", description: "Does b", inputSchema: { type: "object" } },
      ...given,
    ]);
  });

  test("nothing where nothing is given", () => {
    expect(toDynamicTools(undefined, undefined)).toBeUndefined();
    expect(toDynamicTools(undefined, null)).toBeNull();
    expect(toDynamicTools(undefined, [raw("a")])).toEqual([raw("a")]);
    expect(toDynamicTools([], undefined)).toEqual([]);
    expect(toDynamicTools([tool("a")], null)).toHaveLength(1);
  });

  test("no name twice", () => {
    expect(refusal(() => toDynamicTools([tool("a"), tool("b"), tool("a")], undefined))).toBe(
      "tools[2].name",
    );
    expect(refusal(() => toDynamicTools([tool("a")], [raw("b"), raw("a")]))).toBe(
      "dynamicTools[1]",
    );
  });
});

test.each([
  ["no list", tool("a"), "tools"],
  ["no tool", [tool("a"), "b"], "tools[1]"],
  ["null", [null], "tools[0]"],
  ["a definition instead of a tool", [{ name: "a", execute: () => "" }], "tools[0]"],
  ["a tool without name", [{ ...tool("a"), name: 1 }], "tools[0].name"],
])("a list of tools is refused that has %s", (_name, tools, argument) => {
  expect(
    refusal(() => {
      checkTools(tools);
    }),
  ).toBe(argument);
});
