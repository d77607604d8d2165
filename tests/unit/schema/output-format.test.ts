import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import { describe, expect, test } from "@jest/globals";
import * as v from "valibot";
import * as z from "zod";
import * as mini from "zod/mini";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { toOutputFormat, type OutputSchema } from "../../../lib/schema/output-format.js";

function refusal(schema: unknown): InvalidArgumentError {
  try {
    toOutputFormat(schema as OutputSchema);
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error;
  }
  throw new Error("it was not refused");
}

/** The same schema in each library, and as plain JSON Schema. */
const people: [name: string, schema: OutputSchema][] = [
  [
    "Zod",
    z.object({
      name: z.string().min(1),
      age: z.int().optional(),
      email: z.string().nullable(),
      pets: z.array(z.object({ kind: z.enum(["cat", "dog"]), name: z.string().optional() })),
    }),
  ],
  [
    "ArkType",
    type({
      name: "string >= 1",
      "age?": "number.integer",
      email: "string | null",
      pets: type({ kind: "'cat' | 'dog'", "name?": "string" }).array(),
    }),
  ],
  [
    "Valibot",
    toStandardJsonSchema(
      v.object({
        name: v.pipe(v.string(), v.minLength(1)),
        age: v.optional(v.pipe(v.number(), v.integer())),
        email: v.nullable(v.string()),
        pets: v.array(v.object({ kind: v.picklist(["cat", "dog"]), name: v.optional(v.string()) })),
      }),
    ),
  ],
  [
    "plain JSON Schema",
    {
      type: "object",
      properties: {
        name: { type: "string", minLength: 1 },
        age: { type: "integer" },
        email: { type: ["string", "null"] },
        pets: {
          type: "array",
          items: {
            type: "object",
            properties: { kind: { enum: ["cat", "dog"] }, name: { type: "string" } },
            required: ["kind"],
          },
        },
      },
      required: ["name", "email", "pets"],
    },
  ],
];

describe.each(people)("a schema of %s", (_name, schema) => {
  const { schema: written, read } = toOutputFormat(schema);

  test("is written for strict mode", () => {
    expect(written).toMatchObject({
      type: "object",
      properties: {
        age: { type: ["integer", "null"] },
        pets: { items: { properties: { name: { type: ["string", "null"] } } } },
      },
      additionalProperties: false,
    });
    expect([...(written.required as string[])].sort()).toEqual(["age", "email", "name", "pets"]);
  });

  test("reads what the model writes, without the nulls of what is left out", async () => {
    const pets = [{ kind: "cat", name: null }];
    await expect(read({ name: "Ann", age: null, email: null, pets })).resolves.toEqual({
      value: { name: "Ann", email: null, pets: [{ kind: "cat" }] },
    });
  });

  test("tells where an answer does not fit", async () => {
    const { issues } = await read({ name: "", age: 1.5, email: null, pets: [{ kind: "cow" }] });
    const places = issues?.map(({ path }) => path.join("."));
    expect(places?.toSorted()).toEqual(["age", "name", "pets.0.kind"]);
    for (const issue of issues ?? []) expect(issue.message).toMatch(/\w/);
  });
});

describe("reading", () => {
  test("gives defaults and transformations their due", async () => {
    const schema = z.object({
      size: z.string().default("medium"),
      when: z.codec(z.iso.datetime(), z.date(), {
        decode: (text) => new Date(text),
        encode: (date) => date.toISOString(),
      }),
    });
    await expect(
      toOutputFormat(schema).read({ size: null, when: "2026-11-22T18:00:00Z" }),
    ).resolves.toEqual({ value: { size: "medium", when: new Date("2026-11-22T18:00:00Z") } });
  });

  test("waits for a validation that takes its time", async () => {
    const schema = z.object({
      word: z.string().refine(async (word) => Promise.resolve(word === "good")),
    });
    const { read } = toOutputFormat(schema);
    await expect(read({ word: "good" })).resolves.toEqual({ value: { word: "good" } });
    const { issues } = await read({ word: "bad" });
    expect(issues).toMatchObject([{ path: ["word"] }]);
  });

  test("rejects with what the schema's own function throws", async () => {
    const boom = new Error("boom");
    const schema = z.object({
      word: z.string().refine(() => {
        throw boom;
      }),
    });
    await expect(toOutputFormat(schema).read({ word: "x" })).rejects.toBe(boom);
  });

  test("understands every way in which a library may write a path", async () => {
    const issue = { message: "no", path: ["a", 1, { key: "b" }, Symbol("c")] };
    const schema = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: () => ({ issues: [issue, { message: "whole" }] }),
        jsonSchema: {
          input: () => ({ type: "object", properties: {} }),
          output: () => ({}),
        },
      },
    } as const;
    await expect(toOutputFormat(schema).read({})).resolves.toEqual({
      issues: [
        { message: "no", path: ["a", 1, "b", "Symbol(c)"] },
        { message: "whole", path: [] },
      ],
    });
  });
});

describe("writing", () => {
  test("asks for an older JSON Schema where a library does not know the newer", () => {
    const asked: string[] = [];
    const { schema } = toOutputFormat({
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value: unknown) => ({ value }),
        jsonSchema: {
          input: ({ target }: { target: string }) => {
            asked.push(target);
            if (target !== "draft-07") throw new Error("unknown");
            return { type: "object", properties: {} };
          },
          output: () => ({}),
        },
      },
    });
    expect(asked).toEqual(["draft-2020-12", "draft-07"]);
    expect(schema.type).toBe("object");
  });

  test("takes a copy of plain JSON Schema, so that later changes have no effect", async () => {
    const plain = { type: "object", properties: { a: { enum: ["x"] } }, required: ["a"] };
    const { schema, read } = toOutputFormat(plain);
    plain.properties.a.enum.push("y");
    plain.required.pop();
    expect(schema).toMatchObject({ properties: { a: { enum: ["x"] } }, required: ["a"] });
    await expect(read({ a: "y" })).resolves.toMatchObject({ issues: [{ path: ["a"] }] });
  });

  test.each([
    ["a Standard Schema that cannot write itself", v.object({}), /toStandardJsonSchema/],
    ["one of zod/mini", mini.object({}), /pass z\.toJSONSchema\(schema\) if it is of zod\/mini/],
    ["nothing", undefined, /must be a Standard Schema or a JSON Schema object/],
    ["a text", "object", /must be a Standard Schema or a JSON Schema object/],
    ["a list", [], /must be a Standard Schema or a JSON Schema object/],
    ["a number inside that JSON does not have", { type: "object", minimum: 1n }, /as JSON/],
  ])("refuses %s", (_name, schema, message) => {
    expect(refusal(schema)).toMatchObject({ argument: "outputSchema" });
    expect(refusal(schema).message).toMatch(message);
  });

  test("takes what z.toJSONSchema() has written of a schema of zod/mini", async () => {
    const schema = mini.object({ name: mini.string(), age: mini.optional(mini.int()) });
    const { read } = toOutputFormat(mini.toJSONSchema(schema));
    await expect(read({ name: "Ann", age: null })).resolves.toEqual({ value: { name: "Ann" } });
    await expect(read({ name: 5, age: 1 })).resolves.toMatchObject({
      issues: [{ path: ["name"] }],
    });
  });

  test("refuses a schema that contains itself", () => {
    const schema: Record<string, unknown> = { type: "object" };
    schema.properties = { self: schema };
    expect(refusal(schema).message).toMatch(/as JSON/);
  });

  test.each([
    ["Zod", z.object({ list: z.array(z.object({ when: z.date() })) })],
    ["Valibot", toStandardJsonSchema(v.object({ list: v.array(v.object({ when: v.date() })) }))],
  ])("says in the library's words what it cannot write: %s", (_name, schema) => {
    const { argument, message } = refusal(schema);
    expect(argument).toBe("outputSchema");
    expect(message).toMatch(/^outputSchema cannot be written as JSON Schema: ./);
  });

  test("names the part that a library leaves out", () => {
    const schema = type({ list: type({ when: "Date" }).array() });
    expect(refusal(schema).argument).toBe("outputSchema.properties.list.items.properties.when");
  });

  test("needs no words of the library", () => {
    const failing = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value: unknown) => ({ value }),
        jsonSchema: {
          input: () => {
            // eslint-disable-next-line @typescript-eslint/only-throw-error -- a library may
            throw "no error";
          },
          output: () => ({}),
        },
      },
    };
    expect(refusal(failing).message).toBe("outputSchema cannot be written as JSON Schema");
  });

  test.each([
    ["a record", z.object({ tags: z.record(z.string(), z.string()) }), "tags"],
    ["a tuple", z.object({ pair: z.tuple([z.string(), z.number()]) }), "pair"],
    ["an open object", z.object({ open: z.looseObject({ a: z.string() }) }), "open"],
    ["any value", z.object({ it: z.unknown() }), "it"],
    ["no value", z.object({ it: z.never() }), "it"],
  ])("refuses what strict mode cannot express: %s", (_name, schema, property) => {
    expect(refusal(schema).argument).toBe(`outputSchema.properties.${property}`);
  });

  test("two patterns of one text are told to the model", () => {
    const { schema } = toOutputFormat(z.object({ a: z.string().regex(/^a/).regex(/b$/) }));
    expect(schema).toMatchObject({
      properties: { a: { description: '(allOf: [{"pattern":"^a"},{"pattern":"b$"}])' } },
    });
  });
});
