import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { isJsonObject, type JsonObject } from "./json-schema.js";

/**
 * How large a schema may be in strict mode, as the documentation of the Responses API has it. Where
 * that leaves room for doubt, the larger reading counts: the provider refuses what is too much for it.
 */
const limits = {
  properties: [5_000, "properties"],
  /** Below the top. */
  depth: [10, "levels of objects inside objects"],
  enumValues: [1_000, "enumerated values"],
  characters: [120_000, "characters in names and enumerated values"],
} as const;

/** The limit for one enumeration of texts that has more than so many values. */
const longEnum = { values: 250, characters: 15_000 };

type Size = Record<keyof typeof limits, number>;

/** @throws InvalidArgumentError when a strict schema is larger than strict mode takes. */
export function checkStrictLimits(schema: JsonObject, where: string): void {
  const size: Size = { properties: 0, depth: 0, enumValues: 0, characters: 0 };
  measure(schema, 0, size, where);
  for (const [name, [limit, unit]] of Object.entries(limits)) {
    const actual = size[name as keyof Size];
    if (actual > limit) {
      const problem = `has ${actual} ${unit}; strict mode takes at most ${limit}`;
      throw new InvalidArgumentError(where, problem);
    }
  }
}

function measure(schema: unknown, depth: number, size: Size, where: string): void {
  if (!isJsonObject(schema)) return;
  measureValues(schema, size, where);
  const { properties, $defs: definitions, items, anyOf } = schema;
  for (const each of Array.isArray(anyOf) ? anyOf : []) measure(each, depth, size, where);
  measure(items, depth, size, where);
  if (isJsonObject(properties)) {
    size.depth = Math.max(size.depth, depth);
    for (const [key, property] of Object.entries(properties)) {
      size.properties += 1;
      size.characters += key.length;
      measure(property, depth + 1, size, where);
    }
  }
  for (const [name, definition] of isJsonObject(definitions) ? Object.entries(definitions) : []) {
    size.characters += name.length;
    measure(definition, 0, size, where);
  }
}

function measureValues(schema: JsonObject, size: Size, where: string): void {
  const values = Array.isArray(schema.enum) ? (schema.enum as unknown[]) : [];
  const texts = [...values, schema.const].filter((value) => typeof value === "string");
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  size.enumValues += values.length;
  size.characters += characters;
  if (values.length > longEnum.values && characters > longEnum.characters) {
    throw new InvalidArgumentError(
      where,
      `has an enumeration of ${values.length} values with ${characters} characters; strict mode ` +
        `takes at most ${longEnum.characters} for more than ${longEnum.values} values`,
    );
  }
}
