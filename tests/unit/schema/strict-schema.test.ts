import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { toStrictSchema } from "../../../lib/schema/strict-schema.js";
import { deepFreeze } from "../../support/deep-freeze.js";

const string = { type: "string" };
const nullable = { type: ["string", "null"] };

function object(properties: object, required: readonly string[] = Object.keys(properties)) {
  return { type: "object", properties, required };
}

function closed(properties: object) {
  return { ...object(properties), additionalProperties: false };
}

/** What becomes of a schema that stands in the property `a`. */
function strictProperty(schema: unknown, required = true, definitions: object = {}) {
  const source = { ...object({ a: schema }, required ? ["a"] : []), ...definitions };
  const { properties } = toStrictSchema(source).schema as { properties: { a: unknown } };
  return properties.a;
}

function refusal(schema: object, where?: string): InvalidArgumentError {
  try {
    toStrictSchema(schema as Record<string, unknown>, where);
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error;
  }
  throw new Error("it was not refused");
}

describe("what strict mode wants", () => {
  test("objects are closed at every level, and all their properties required", () => {
    const source = object({
      user: object({ tags: { type: "array", items: object({ name: string }) } }),
    });
    expect(toStrictSchema(source).schema).toEqual(
      closed({ user: closed({ tags: { type: "array", items: closed({ name: string }) } }) }),
    );
  });

  test("an object without properties is taken when it is meant to be empty", () => {
    expect(toStrictSchema({ type: "object", additionalProperties: false }).schema).toEqual(
      closed({}),
    );
    expect(toStrictSchema({ type: "object", properties: {} }).schema).toEqual(closed({}));
  });

  test("a type that other keywords imply is written down", () => {
    expect(strictProperty({ enum: ["a", "b"] })).toEqual({ type: "string", enum: ["a", "b"] });
    expect(strictProperty({ enum: ["a", 1, null] })).toEqual({
      type: ["string", "number", "null"],
      enum: ["a", 1, null],
    });
    expect(strictProperty({ const: true })).toEqual({ type: "boolean", const: true });
    expect(strictProperty({ properties: { b: string } })).toEqual(
      expect.objectContaining({ type: "object", required: ["b"] }),
    );
    expect(strictProperty({ items: string })).toEqual({ type: "array", items: string });
  });

  test("what strict mode knows about values is kept", () => {
    const kept = {
      s: { type: "string", pattern: "^a\\(?=", format: "date-time", description: "When" },
      n: { type: "number", minimum: 1, exclusiveMaximum: 2, multipleOf: 0.5, title: "N" },
      l: { type: "array", items: { type: "integer" }, minItems: 1, maxItems: 3 },
      e: { type: "string", enum: ["x", "y"] },
      u: { description: "Either", anyOf: [string, { type: "null" }] },
    };
    expect(toStrictSchema(object(kept)).schema).toEqual(closed(kept));
  });

  test("what it need not know is left out", () => {
    const source = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: "https://example.com/a",
      ...object({
        a: { ...string, default: "x", examples: ["y"], deprecated: true, $comment: "z", "x-b": 1 },
      }),
    };
    expect(toStrictSchema(source).schema).toEqual(closed({ a: string }));
  });

  test("what only narrows values, and strict mode does not know, is told in the description", () => {
    expect(strictProperty({ ...string, minLength: 2, format: "uri" })).toEqual({
      ...string,
      description: '(minLength: 2, format: "uri")',
    });
    expect(strictProperty({ ...string, description: "A word", pattern: "^(?!x)" })).toEqual({
      ...string,
      description: 'A word (pattern: "^(?!x)")',
    });
    expect(strictProperty({ ...string, pattern: `(?=${"x".repeat(200)})` })).toEqual(string);
    const list = { type: "array", items: string, uniqueItems: true };
    expect(strictProperty(list)).toEqual({
      type: "array",
      items: string,
      description: "(uniqueItems: true)",
    });
  });

  test("oneOf becomes anyOf, since the answer is checked here anyway", () => {
    const branches = [object({ k: { const: "a" } }), object({ k: { const: "b" } })];
    expect(strictProperty({ oneOf: branches, description: "Which" })).toEqual({
      description: "Which",
      anyOf: [
        closed({ k: { type: "string", const: "a" } }),
        closed({ k: { type: "string", const: "b" } }),
      ],
    });
  });

  test("the source is not changed, nor shared where it could be changed later", () => {
    const source = deepFreeze({ ...object({ a: { ...string, default: "x" } }, []), title: "T" });
    const { schema } = toStrictSchema(source);
    expect(schema).toEqual({ ...closed({ a: nullable }), title: "T" });
    expect(source).toEqual({ ...object({ a: { ...string, default: "x" } }, []), title: "T" });
  });

  test("a strict schema stays as it is", () => {
    const { schema } = toStrictSchema({
      ...object({ a: string, b: { $ref: "#/$defs/B" }, c: { enum: [1] } }, ["a"]),
      $defs: { B: object({ next: { $ref: "#/$defs/B" } }, []) },
    });
    expect(toStrictSchema(schema).schema).toEqual(schema);
  });
});

describe("optional properties", () => {
  test("may be null", () => {
    expect(strictProperty(string, false)).toEqual(nullable);
    expect(strictProperty({ type: ["string", "number"], title: "T" }, false)).toEqual({
      type: ["string", "number", "null"],
      title: "T",
    });
    expect(strictProperty({ ...string, enum: ["a"], description: "D" }, false)).toEqual({
      description: "D",
      anyOf: [{ ...string, enum: ["a"] }, { type: "null" }],
    });
    expect(strictProperty({ const: 1 }, false)).toEqual({
      anyOf: [{ type: "number", const: 1 }, { type: "null" }],
    });
    expect(strictProperty(object({ b: string }), false)).toEqual({
      anyOf: [closed({ b: string }), { type: "null" }],
    });
    expect(strictProperty({ anyOf: [string, { type: "number" }] }, false)).toEqual({
      anyOf: [string, { type: "number" }, { type: "null" }],
    });
    const definitions = { $defs: { B: string } };
    expect(strictProperty({ $ref: "#/$defs/B" }, false, definitions)).toEqual({
      anyOf: [{ $ref: "#/$defs/B" }, { type: "null" }],
    });
  });

  test.each([
    ["a type", nullable, nullable],
    [
      "an alternative",
      { anyOf: [string, { type: "null" }] },
      { anyOf: [string, { type: "null" }] },
    ],
    ["an enumeration", { enum: ["a", null] }, { type: ["string", "null"], enum: ["a", null] }],
    ["a constant", { const: null }, { type: "null", const: null }],
    ["a definition", { $ref: "#/$defs/B" }, { $ref: "#/$defs/B" }],
  ])("that may be null anyway, by %s, are not changed", (_name, schema, expected) => {
    expect(strictProperty(schema, false, { $defs: { B: nullable } })).toEqual(expected);
    const { restore } = toStrictSchema({ ...object({ a: schema }, []), $defs: { B: nullable } });
    expect(restore({ a: null })).toEqual({ a: null });
  });

  test("an enumeration whose type allows null, but whose values do not, is made nullable", () => {
    expect(strictProperty({ ...nullable, enum: ["a"] }, false)).toEqual({
      anyOf: [{ ...nullable, enum: ["a"] }, { type: "null" }],
    });
  });
});

describe("the way back", () => {
  test("drops the nulls of properties that were left out, and only those", () => {
    const { restore } = toStrictSchema(
      object({ needed: nullable, optional: string, nullish: nullable }, ["needed"]),
    );
    expect(restore({ needed: null, optional: null, nullish: null })).toEqual({
      needed: null,
      nullish: null,
    });
    expect(restore({ needed: "a", optional: "b", nullish: "c" })).toEqual({
      needed: "a",
      optional: "b",
      nullish: "c",
    });
  });

  test("reaches into objects, arrays and definitions", () => {
    const { restore } = toStrictSchema({
      ...object({
        list: { type: "array", items: object({ a: string }, []) },
        tree: { $ref: "#/$defs/Tree" },
        plain: { type: "array", items: { type: ["string", "null"] } },
      }),
      $defs: {
        Tree: object({ name: string, left: { $ref: "#/$defs/Tree" }, note: string }, ["name"]),
      },
    });
    const answer = {
      list: [{ a: null }, { a: "x" }],
      tree: { name: "r", left: { name: "l", left: null, note: "n" }, note: null },
      plain: [null, "x"],
    };
    expect(restore(answer)).toEqual({
      list: [{}, { a: "x" }],
      tree: { name: "r", left: { name: "l", note: "n" } },
      plain: [null, "x"],
    });
    expect(answer.list[0]).toEqual({ a: null });
  });

  test("takes the alternative that fits", () => {
    const { restore } = toStrictSchema({
      ...object({
        shape: {
          oneOf: [
            object({ kind: { const: "circle" }, label: string }, ["kind"]),
            object({ kind: { const: "square" }, label: nullable }),
            { $ref: "#/$defs/Group" },
          ],
        },
      }),
      $defs: {
        Group: object({ kind: { const: "group" }, of: { $ref: "#" }, label: string }, ["kind"]),
      },
    });
    const back = (shape: unknown) => restore({ shape });
    expect(back({ kind: "circle", label: null })).toEqual({ shape: { kind: "circle" } });
    const square = { shape: { kind: "square", label: null } };
    expect(back(square.shape)).toEqual(square);
    expect(
      back({ kind: "group", label: null, of: { shape: { kind: "circle", label: null } } }),
    ).toEqual({ shape: { kind: "group", of: { shape: { kind: "circle" } } } });
  });

  test("leaves alone what the model was never asked for", () => {
    const { restore } = toStrictSchema(
      object({ a: object({ b: string }, []), c: { anyOf: [object({ d: string }, []), string] } }),
    );
    for (const answer of [null, 1, "x", [], { a: 1, c: 2 }, { a: [null], c: { e: null } }]) {
      expect(restore(answer)).toEqual(answer);
    }
  });

  test("keeps keys that mean something to JavaScript ordinary", () => {
    const source = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"},"toString":{"type":"string"}},"required":["__proto__"]}',
    ) as Record<string, unknown>;
    const { schema, restore } = toStrictSchema(source);
    expect(Object.keys(schema.properties as object)).toEqual(["__proto__", "toString"]);
    const answer = JSON.parse('{"__proto__":"x","toString":null,"constructor":null}') as object;
    const restored = restore(answer) as object;
    expect(Object.keys(restored)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(restored)).toBe(Object.prototype);
  });
});

describe("definitions", () => {
  test("are kept when they are used, under $defs, and may be recursive", () => {
    const node = object({ value: string, next: { $ref: "#/definitions/Node" } }, ["value"]);
    const { schema } = toStrictSchema({
      ...object({ first: { $ref: "#/definitions/Node" } }),
      definitions: { Node: node, Unused: { allOf: [] } },
    });
    expect(schema).toEqual({
      ...closed({ first: { $ref: "#/$defs/Node" } }),
      $defs: {
        Node: closed({
          value: string,
          next: { anyOf: [{ $ref: "#/$defs/Node" }, { type: "null" }] },
        }),
      },
    });
  });

  test("may stand for the whole, and the whole may refer to itself", () => {
    const { schema, restore } = toStrictSchema({
      $ref: "#/$defs/List",
      $defs: { List: object({ next: { $ref: "#/$defs/List" } }, []) },
    });
    expect(schema).toMatchObject({ type: "object", $defs: { List: { type: "object" } } });
    expect(restore({ next: { next: null } })).toEqual({ next: {} });
    const self = toStrictSchema(object({ children: { type: "array", items: { $ref: "#" } } }, []));
    expect(self.restore({ children: [{ children: null }] })).toEqual({ children: [{}] });
    expect(self.schema).toMatchObject({
      properties: { children: { anyOf: [{ items: { $ref: "#" } }, { type: "null" }] } },
    });
  });

  test("with odd names are found", () => {
    const { schema, restore } = toStrictSchema({
      ...object({ a: { $ref: "#/$defs/x~1y%20z" } }),
      $defs: { "x/y z": object({ b: string }, []) },
    });
    expect(schema.$defs).toEqual({ "x/y z": closed({ b: nullable }) });
    expect(restore({ a: { b: null } })).toEqual({ a: {} });
  });

  test("are described around the reference, since nothing may stand beside it", () => {
    expect(
      strictProperty({ $ref: "#/$defs/B", description: "D", default: "x" }, true, {
        $defs: { B: string },
      }),
    ).toEqual({ description: "D", anyOf: [{ $ref: "#/$defs/B" }] });
  });
});

describe("what strict mode cannot express is refused, with the path of the part", () => {
  const at = "outputSchema.properties.user.properties.tags";
  const inTags = (tags: unknown) => object({ user: object({ tags }) });

  test.each([
    ["a record", { type: "object", additionalProperties: string }, at],
    ["a record of Zod", { ...object({}), propertyNames: string, additionalProperties: {} }, at],
    ["an open object", { ...object({ a: string }), additionalProperties: true }, at],
    ["an object of any keys", { type: "object" }, at],
    ["patterns of keys", { ...object({}), patternProperties: { a: string } }, at],
    ["a tuple", { type: "array", prefixItems: [string], items: false }, at],
    ["a tuple of draft 7", { type: "array", items: [string] }, at],
    ["an array of anything", { type: "array" }, at],
    ["items of any value", { type: "array", items: {} }, `${at}.items`],
    ["an intersection", { allOf: [string] }, at],
    ["an exclusion", { not: string }, at],
    ["a condition", { ...object({ a: string }), if: {}, then: {} }, at],
    ["dependent properties", { ...object({ a: string }), dependentRequired: { a: [] } }, at],
    ["any value", {}, at],
    ["any value, as true", true, at],
    ["no value", false, at],
    ["no schema", "string", at],
    ["a described value of any type", { description: "whatever" }, at],
    ["an unknown type", { type: "date" }, at],
    ["no type", { type: [] }, at],
    ["an unknown keyword", { ...string, nullable: true }, at],
    ["no alternatives", { anyOf: [] }, at],
    ["alternatives that are none", { anyOf: string }, at],
    ["more beside alternatives", { ...object({ a: string }), anyOf: [string] }, at],
    ["two kinds of alternatives", { anyOf: [string], oneOf: [string] }, at],
    ["more beside a reference", { $ref: "#", minimum: 1 }, at],
    ["a part of an alternative", { anyOf: [string, { type: "array" }] }, `${at}.anyOf[1]`],
    ["a required property without schema", { ...object({}), required: ["a"] }, `${at}.required`],
    ["required as a boolean", { ...object({}), required: true }, `${at}.required`],
    ["properties that are none", { type: "object", properties: [] }, `${at}.properties`],
    ["a reference to elsewhere", { $ref: "https://example.com" }, at],
    ["a reference into the middle", { $ref: "#/properties/user" }, at],
    ["a reference to nothing", { $ref: "#/$defs/Nothing" }, at],
  ])("%s", (_name, tags, path) => {
    const error = refusal(inTags(tags));
    expect(error.argument).toBe(path);
    expect(error.message.startsWith(`${path} `)).toBe(true);
  });

  test("and the name that the caller gave to the whole", () => {
    expect(refusal(object({ "odd key": true }), "schema").argument).toBe(
      'schema.properties["odd key"]',
    );
    const inDefinition = { ...object({ a: { $ref: "#/$defs/B" } }), $defs: { B: { not: {} } } };
    expect(refusal(inDefinition).argument).toBe("outputSchema.$defs.B");
  });

  test.each([
    ["a text", string],
    ["a list", { type: "array", items: string }],
    ["alternatives", { anyOf: [object({ a: string }), object({ b: string })] }],
    ["an object or null", { ...object({ a: string }), type: ["object", "null"] }],
    ["a definition that is no object", { $ref: "#/$defs/A", $defs: { A: string } }],
    ["definitions in two places", { ...object({}), $defs: {}, definitions: {} }],
    ["a reference that leads nowhere", { $ref: "#/$defs/A" }],
    ["itself", { $ref: "#" }],
  ])("at the top: %s", (_name, schema) => {
    expect(refusal(schema).argument).toBe("outputSchema");
  });

  test.each([
    ["alone", { $ref: "#/$defs/A" }],
    ["by a detour", { $ref: "#/$defs/B" }],
    ["among alternatives", { anyOf: [string, { $ref: "#/$defs/C" }] }],
  ])("definitions that refer to themselves without a property in between: %s", (_name, a) => {
    const error = refusal({
      ...object({ a: { $ref: "#/$defs/A" } }),
      $defs: { A: a, B: { $ref: "#/$defs/A" }, C: { oneOf: [{ $ref: "#/$defs/A" }] } },
    });
    expect(error.argument).toBe("outputSchema.properties.a");
  });
});
