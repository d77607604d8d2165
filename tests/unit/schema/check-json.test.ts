import { describe, expect, test } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import { checkJson } from "../../../lib/schema/check-json.js";

const string = { type: "string" };

describe("plain JSON Schema is checked as Ajv checks it", () => {
  const ajv = new Ajv2020({ strict: false, multipleOfPrecision: 9 });

  test.each<[name: string, schema: object | boolean, values: unknown[]]>([
    ["types", { type: ["integer", "null"] }, [1, 1.5, null, "1", [], {}, true]],
    ["objects", { type: "object" }, [{}, [], null, 1]],
    ["arrays and booleans", { type: ["array", "boolean"] }, [[], false, {}, "x"]],
    ["true and false", true, [1, null]],
    ["nothing at all", false, [1, null]],
    ["enumerations", { enum: ["a", 1, null, { b: [1] }] }, ["a", 1, null, { b: [1] }, "b", 2, {}]],
    ["constants", { const: [1, { a: 2 }] }, [[1, { a: 2 }], [1], null]],
    ["a constant null", { const: null }, [null, 0]],
    [
      "properties",
      { properties: { a: string, b: false }, required: ["a"] },
      [{ a: "x" }, {}, { a: 1 }, { a: "x", b: 1 }, { a: "x", c: 1 }, "no object"],
    ],
    [
      "other properties",
      { properties: { a: {} }, additionalProperties: string },
      [{ a: 1 }, { b: "x" }, { b: 1 }],
    ],
    [
      "no other properties",
      { properties: { a: {} }, patternProperties: { "^x": string }, additionalProperties: false },
      [{ a: 1 }, { x1: "x" }, { x1: 1 }, { b: 1 }],
    ],
    [
      "numbers of properties",
      { minProperties: 1, maxProperties: 2 },
      [{}, { a: 1 }, { a: 1, b: 1, c: 1 }],
    ],
    ["items", { items: string }, [[], ["a"], ["a", 1], "no array"]],
    [
      "tuples",
      { prefixItems: [string, { type: "number" }], items: false },
      [[], ["a"], ["a", 1], ["a", 1, 2], [1]],
    ],
    ["numbers of items", { minItems: 1, maxItems: 2 }, [[], [1], [1, 2, 3]]],
    [
      "different items",
      { uniqueItems: true },
      [
        [1, 2],
        [1, 1],
        [{ a: 1 }, { a: 1 }],
        [1, "1"],
      ],
    ],
    ["lengths", { minLength: 2, maxLength: 3 }, ["a", "ab", "😀😀😀", "😀", "abcd", 5]],
    ["patterns", { pattern: "^\\p{L}+$" }, ["ä", "1", "", 5]],
    [
      "limits",
      { minimum: 1, maximum: 5, exclusiveMinimum: 1, exclusiveMaximum: 5 },
      [0, 1, 1.1, 4.9, 5, 6, "3"],
    ],
    ["multiples", { multipleOf: 0.1 }, [0.3, 1, 0.25, "x"]],
    ["alternatives", { anyOf: [string, { minimum: 3 }] }, ["a", 3, 2, null]],
    ["exactly one alternative", { oneOf: [{ minimum: 3 }, { maximum: 5 }] }, [1, 4, 6]],
    [
      "everything together",
      { allOf: [{ minimum: 3 }, { properties: { a: string } }] },
      [2, 3, { a: 1 }, { a: "" }],
    ],
    ["exclusions", { not: string }, ["a", 1]],
    [
      "references",
      {
        $ref: "#/$defs/Tree",
        $defs: { Tree: { properties: { left: { $ref: "#/$defs/Tree" }, v: string } } },
      },
      [{ left: { left: { v: "x" } } }, { left: { left: { v: 1 } } }],
    ],
    ["the whole again", { items: { $ref: "#" }, type: "array" }, [[], [[], [[]]], [1], [[1]]]],
  ])("%s", (_name, schema, values) => {
    for (const value of values) {
      expect({ value, fits: checkJson(schema, value).length === 0 }).toEqual({
        value,
        fits: ajv.validate(schema, value),
      });
    }
  });
});

describe("what it says", () => {
  test("names the place and what is wanted, never the value", () => {
    const schema = {
      type: "object",
      properties: {
        list: { type: "array", items: { enum: ["a"] }, maxItems: 1, uniqueItems: true },
        size: { type: ["integer", "null"], minimum: 1 },
        word: { const: "yes", minLength: 2, pattern: "^y" },
        either: { anyOf: [string, { oneOf: [{ minimum: 1 }, { minimum: 2 }] }], not: { const: 7 } },
        rest: { additionalProperties: false },
      },
      required: ["gone"],
      allOf: [{ properties: { size: { multipleOf: 2 } } }],
    };
    const value = {
      list: ["secret", "secret"],
      size: 0.5,
      word: "x",
      either: 7,
      rest: { more: "secret" },
    };
    const issues = checkJson(schema, value);
    expect(issues).toEqual([
      { path: ["size"], message: "must be a multiple of 2" },
      { path: ["gone"], message: "is missing" },
      { path: ["list"], message: "must have 1 items or less" },
      { path: ["list", 0], message: 'must be one of ["a"]' },
      { path: ["list", 1], message: 'must be one of ["a"]' },
      { path: ["list"], message: "must not have the same item twice" },
      { path: ["size"], message: "must be of type integer or null" },
      { path: ["size"], message: "must be at least 1" },
      { path: ["word"], message: 'must be "yes"' },
      { path: ["word"], message: "must have 2 characters or more" },
      { path: ["word"], message: "must match the pattern ^y" },
      { path: ["either"], message: "must fit one of the alternatives" },
      { path: ["either"], message: "must not fit what is excluded" },
      { path: ["rest", "more"], message: "must not be there" },
    ]);
    expect(JSON.stringify(issues)).not.toContain("secret");
  });

  test("is nothing about what it cannot check", () => {
    expect(
      checkJson({ type: "date", format: "uri", pattern: "(", if: {}, else: false }, "x"),
    ).toEqual([]);
    expect(checkJson({ $ref: "https://example.com/schema" }, 1)).toEqual([]);
    expect(checkJson({ $ref: "#/$defs/none" }, 1)).toEqual([]);
    expect(checkJson({ $ref: "#/%E0%A4%A" }, 1)).toEqual([]);
    expect(checkJson({ $ref: "#" }, 1)).toEqual([]);
  });

  test("patterns that only the older syntax knows are checked by that", () => {
    expect(checkJson({ pattern: "^a\\-b$" }, "a-b")).toEqual([]);
    expect(checkJson({ pattern: "^a\\-b$" }, "ab")).toHaveLength(1);
  });

  test("tuples of draft 7 have their rest in additionalItems", () => {
    const schema = { items: [string], additionalItems: { type: "number" } };
    expect(checkJson(schema, ["a", 1, 2])).toEqual([]);
    expect(checkJson(schema, [1, "a"]).map(({ path }) => path)).toEqual([[0], [1]]);
  });
});
