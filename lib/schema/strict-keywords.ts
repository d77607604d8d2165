import { isJsonObject } from "./json-schema.js";

/** The treatment of a keyword of JSON Schema in strict mode. */
export type StrictKeyword =
  /** Strict mode knows it. */
  | "keep"
  /** It says nothing about the values, or nothing that strict mode would listen to. */
  | "drop"
  /** It narrows the values further: the model is told in words, and the answer is checked here. */
  | "tell"
  /** It changes the shape in a way that strict mode has no words for. */
  | "refuse";

const keep = [
  ...["type", "enum", "const", "anyOf", "oneOf", "$ref", "title", "description"],
  ...["properties", "required", "additionalProperties", "items", "minItems", "maxItems"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
];

const drop = [
  ...["$schema", "$id", "id", "$comment", "$defs", "definitions", "default", "examples"],
  ...["deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType"],
];

const tell = ["minLength", "maxLength", "uniqueItems", "minProperties", "maxProperties"];

/** Nothing but further limits, as libraries write two patterns of one text. */
const inAllOf = [...tell, "pattern", "format", "minimum", "maximum", "multipleOf"];

/** The formats that strict mode knows. */
const formats = [
  ...["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"],
];

/** Strict mode takes patterns, but none that look ahead or behind. */
const lookaround = /(?:^|[^\\])(?:\\\\)*\(\?<?[=!]/;

export function strictKeyword(keyword: string, value: unknown): StrictKeyword {
  if (keep.includes(keyword)) return "keep";
  if (drop.includes(keyword) || keyword.startsWith("x-")) return "drop";
  if (tell.includes(keyword)) return "tell";
  if (keyword === "format") return formats.includes(String(value)) ? "keep" : "tell";
  if (keyword === "pattern") return lookaround.test(String(value)) ? "tell" : "keep";
  return keyword === "allOf" && onlyNarrows(value) ? "tell" : "refuse";
}

function onlyNarrows(parts: unknown): boolean {
  return (
    Array.isArray(parts) &&
    parts.every(
      (part) => isJsonObject(part) && Object.keys(part).every((key) => inAllOf.includes(key)),
    )
  );
}

const noTuples = "a list with a schema for each place; use an object with a property for each";
const noKeys = "keys that are not known beforehand; use an array of objects with a key and a value";
const noConditions = "conditions between parts; check them in your own code";

const reasons: Readonly<Record<string, string>> = {
  allOf: "several schemas for one value; write them as one",
  not: "exclusions; check them in your own code",
  if: noConditions,
  then: noConditions,
  else: noConditions,
  dependencies: noConditions,
  dependentRequired: noConditions,
  dependentSchemas: noConditions,
  patternProperties: noKeys,
  propertyNames: noKeys,
  additionalProperties: noKeys,
  unevaluatedProperties: noKeys,
  prefixItems: noTuples,
  items: noTuples,
  additionalItems: noTuples,
};

/** Why a schema with this keyword is refused. */
export function strictRefusal(keyword: string): string {
  const reason = reasons[keyword];
  return reason === undefined
    ? `has the keyword "${keyword}", which strict mode does not know`
    : `has the keyword "${keyword}"; strict mode cannot express ${reason}`;
}
