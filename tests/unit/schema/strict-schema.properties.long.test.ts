import { expect, test } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { checkJson } from "../../../lib/schema/check-json.js";
import { toStrictSchema } from "../../../lib/schema/strict-schema.js";
import { deepFreeze } from "../../support/deep-freeze.js";

type Json = Record<string, unknown>;

/** A schema, a value that fits it, and the same value as strict mode has the model write it. */
interface Sample {
  readonly schema: Json;
  readonly value: unknown;
  readonly strict: unknown;
}

const same = (schema: Json, value: unknown): Sample => ({ schema, value, strict: value });

const scalar: fc.Arbitrary<Sample> = fc.oneof(
  fc.string().map((value) => same({ type: "string" }, value)),
  fc.integer().map((value) => same({ type: "integer" }, value)),
  fc.boolean().map((value) => same({ type: "boolean", description: "Yes or no" }, value)),
  fc.option(fc.string()).map((value) => same({ type: ["string", "null"] }, value)),
  fc.constantFrom("a", "b").map((value) => same({ enum: ["a", "b"] }, value)),
  fc.constantFrom("a", null).map((value) => same({ enum: ["a", null] }, value)),
  fc
    .option(fc.double({ noNaN: true, noDefaultInfinity: true }))
    .map((value) => same({ anyOf: [{ type: "number" }, { type: "null" }] }, value)),
);

// Ajv takes no notice of these two names.
const key = fc.oneof(
  fc.constantFrom("a", "b", "toString"),
  fc.string().filter((name) => name !== "" && name !== "__proto__"),
);

function objectOf(sample: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  const entry = fc.record({ key, sample, required: fc.boolean(), present: fc.boolean() });
  return fc.uniqueArray(entry, { selector: (each) => each.key, maxLength: 4 }).map((entries) => {
    const there = entries.filter(({ required, present }) => required || present);
    return {
      schema: {
        type: "object",
        properties: Object.fromEntries(entries.map((each) => [each.key, each.sample.schema])),
        required: entries.filter(({ required }) => required).map((each) => each.key),
      },
      value: Object.fromEntries(there.map((each) => [each.key, each.sample.value])),
      strict: Object.fromEntries(
        entries
          // One that may be null by itself is no longer optional: its null would be a value.
          .map((each) => [each.key, there.includes(each) ? each.sample.strict : null]),
      ),
    };
  });
}

/** Alternatives that can be told apart, since any fitting one would do otherwise. */
function unionOf(sample: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> {
  return fc
    .tuple(objectOf(sample), objectOf(sample), fc.constantFrom("anyOf", "oneOf"))
    .map(([one, other, keyword]) => {
      const tagged = ({ schema }: Sample, tag: string) => ({
        ...schema,
        properties: { ...(schema.properties as Json), "the tag": { const: tag } },
        required: [...(schema.required as string[]), "the tag"],
      });
      const tag = { "the tag": "one" };
      return {
        schema: { [keyword]: [tagged(other, "other"), tagged(one, "one")] },
        value: withKeys(one.value, tag),
        strict: withKeys(one.strict, tag),
      };
    });
}

function withKeys(value: unknown, more: Json): Json {
  return Object.fromEntries([...Object.entries(value as Json), ...Object.entries(more)]);
}

const { anything } = fc.letrec<{ anything: Sample }>((tie) => ({
  anything: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie("anything"), { minLength: 1, maxLength: 1 }).chain(([sample]) =>
      fc.constant({
        schema: { type: "array", items: sample?.schema },
        value: [sample?.value],
        strict: [sample?.strict],
      }),
    ),
    objectOf(tie("anything")),
    unionOf(tie("anything")),
  ),
}));

const top = objectOf(anything);

function everyObject(schema: unknown, look: (schema: Json) => void): void {
  if (typeof schema !== "object" || schema === null) return;
  if (!Array.isArray(schema) && (schema as Json).type === "object") look(schema as Json);
  for (const inner of Object.values(schema)) everyObject(inner, look);
}

const ajv = () => new Ajv2020({ strict: false, ownProperties: true });

test("every object of a strict schema is closed, with all its properties required", () => {
  fc.assert(
    fc.property(top, ({ schema }) => {
      everyObject(toStrictSchema(schema).schema, (object) => {
        if (!("properties" in object)) return;
        expect(object.additionalProperties).toBe(false);
        expect(object.required).toEqual(Object.keys(object.properties as Json));
      });
    }),
  );
});

test("the source is never changed", () => {
  fc.assert(
    fc.property(top, ({ schema }) => {
      const before = structuredClone(schema);
      toStrictSchema(deepFreeze(schema));
      expect(schema).toStrictEqual(before);
    }),
  );
});

test("preparing twice is preparing once", () => {
  fc.assert(
    fc.property(top, ({ schema: source }) => {
      const { schema } = toStrictSchema(source);
      expect(toStrictSchema(schema).schema).toEqual(schema);
    }),
  );
});

test("what the model writes by the strict schema comes back as a value of the source", () => {
  fc.assert(
    fc.property(top, ({ schema: source, strict }) => {
      const { schema, restore } = toStrictSchema(source);
      expect(ajv().validate(schema, strict)).toBe(true);
      expect(ajv().validate(source, restore(strict))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test("a property that was left out is left out again, and the rest is as it was", () => {
  fc.assert(
    fc.property(top, ({ schema: source, value, strict }) => {
      const restored = toStrictSchema(source).restore(strict);
      expect(withoutNulls(restored)).toEqual(withoutNulls(value));
    }),
  );
});

test("our own check agrees with Ajv about schemas of these kinds", () => {
  fc.assert(
    fc.property(top, anything, ({ schema: source, strict, value }, other) => {
      const { schema } = toStrictSchema(source);
      for (const each of [source, schema]) {
        const validate = ajv().compile(each);
        for (const candidate of [strict, value, other.value, other.strict]) {
          expect(checkJson(each, candidate).length === 0).toBe(validate(candidate));
        }
      }
    }),
    { numRuns: 50 },
  );
});

/** Properties that may be null anyway cannot be told from those that were left out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutNulls(inner)]));
}
