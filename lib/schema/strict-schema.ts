import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { checkJson } from "./check-json.js";
import { formatPath, isJsonObject, refName, resolveRef, type JsonObject } from "./json-schema.js";
import { acceptsNull, isEmptyCycle, typesOf } from "./schema-facts.js";
import { strictKeyword, strictRefusal } from "./strict-keywords.js";
import { describe, isPlainKeyword, orNull } from "./strict-parts.js";

/** A schema, or a part of one, as the strict mode of the Responses API takes it, and the way back. */
export interface StrictSchema {
  readonly schema: JsonObject;
  /**
   * Takes out of an answer the nulls that stand for optional properties which were left out. Nulls
   * that the source allows stay.
   */
  readonly restore: (answer: unknown) => unknown;
}

/**
 * Prepares a JSON Schema for strict mode, where every object is closed and every property required:
 * objects are closed, and optional properties become required ones that may be null. What only
 * narrows values further, and is unknown to strict mode, is told to the model in the description
 * instead. The source is not changed.
 *
 * @throws InvalidArgumentError for what cannot be expressed; `argument` is the path of the part.
 */
export function toStrictSchema(source: JsonObject, where = "outputSchema"): StrictSchema {
  return new StrictWriter(source, where).write();
}

const keep = (value: unknown): unknown => value;

class StrictWriter {
  readonly #source: JsonObject;
  readonly #where: string;
  readonly #definitions = new Map<string, StrictSchema>();
  #top: StrictSchema = { schema: {}, restore: keep };

  constructor(source: JsonObject, where: string) {
    this.#source = source;
    this.#where = where;
  }

  write(): StrictSchema {
    const { $ref: ref } = this.#source;
    if ("$defs" in this.#source && "definitions" in this.#source) {
      refuse(this.#where, "has both $defs and definitions: put all definitions into $defs");
    }
    const top =
      typeof ref === "string"
        ? this.#node(this.#target(ref, this.#where), this.#whereIs(ref))
        : this.#node(this.#source, this.#where);
    if (top.schema.type !== "object") {
      refuse(
        this.#where,
        "must be an object at the top, as strict mode demands: put the value into a property of one",
      );
    }
    const definitions = [...this.#definitions].map(([name, { schema }]) => [name, schema] as const);
    const $defs = Object.fromEntries(definitions);
    this.#top = { ...top, schema: { ...top.schema, ...(definitions.length > 0 && { $defs }) } };
    return this.#top;
  }

  #node(source: unknown, where: string): StrictSchema {
    if (source === true || (isJsonObject(source) && Object.keys(source).length === 0)) {
      return refuse(
        where,
        "takes any value, which strict mode cannot express: name the types that you mean",
      );
    }
    if (!isJsonObject(source)) return refuse(where, "must be a JSON Schema object");
    for (const [keyword, value] of Object.entries(source)) {
      if (strictKeyword(keyword, value) === "refuse") refuse(where, strictRefusal(keyword));
    }
    if (source.$ref !== undefined) return this.#reference(source, where);
    if (source.anyOf !== undefined || source.oneOf !== undefined) return this.#union(source, where);
    return this.#typed(source, where);
  }

  #reference(source: JsonObject, where: string): StrictSchema {
    const ref = String(source.$ref);
    const target = this.#target(ref, where);
    mustStandAlone(source, ["$ref"], where);
    if (isEmptyCycle(this.#source, source))
      refuse(where, "refers only to itself: describe the value");
    // Nothing may stand beside a reference, so its description goes around it.
    const about = describe(source);
    const wrap = (schema: JsonObject) =>
      Object.keys(about).length === 0 ? schema : { ...about, anyOf: [schema] };
    if (ref === "#") {
      return { schema: wrap({ $ref: ref }), restore: (value) => this.#top.restore(value) };
    }
    const name = refName(ref);
    if (!this.#definitions.has(name)) {
      // It may refer to itself.
      this.#definitions.set(name, { schema: {}, restore: keep });
      this.#definitions.set(name, this.#node(target, this.#whereIs(ref)));
    }
    return {
      schema: wrap({ $ref: ref.replace("#/definitions/", "#/$defs/") }),
      restore: (value) => this.#definitions.get(name)?.restore(value),
    };
  }

  #union(source: JsonObject, where: string): StrictSchema {
    const keyword = source.anyOf === undefined ? "oneOf" : "anyOf";
    const sources: unknown = source[keyword];
    mustStandAlone(source, [keyword], where);
    if (!Array.isArray(sources) || sources.length === 0) {
      return refuse(where, `must have alternatives in "${keyword}"`);
    }
    const parts = sources.map((each, index) => this.#node(each, `${where}.${keyword}[${index}]`));
    return {
      schema: { ...describe(source), anyOf: parts.map(({ schema }) => schema) },
      restore: (value) => {
        const part = parts.find(
          ({ schema }) => checkJson(schema, value, this.#top.schema).length === 0,
        );
        return part ? part.restore(value) : value;
      },
    };
  }

  #typed(source: JsonObject, where: string): StrictSchema {
    const types = typesOf(source);
    if (types === undefined) {
      return refuse(
        where,
        "must have a type, since strict mode cannot express a value of any type",
      );
    }
    const object = types.includes("object") ? this.#object(source, where) : undefined;
    const array = types.includes("array") ? this.#array(source, where) : undefined;
    const schema = {
      type: types.length === 1 ? types[0] : types,
      ...describe(source),
      ...Object.fromEntries(Object.entries(source).filter(isPlainKeyword)),
      ...object?.schema,
      ...array?.schema,
    };
    return {
      schema,
      restore: (value) => {
        if (isJsonObject(value)) return object ? object.restore(value) : value;
        return Array.isArray(value) && array ? array.restore(value) : value;
      },
    };
  }

  #object(source: JsonObject, where: string): StrictSchema {
    const { properties, additionalProperties } = source;
    if (additionalProperties !== undefined && additionalProperties !== false) {
      refuse(where, strictRefusal("additionalProperties"));
    }
    if (properties === undefined && additionalProperties === undefined) {
      refuse(
        where,
        "is an object of any keys, which strict mode cannot express: name its properties, or use an array of objects with a key and a value",
      );
    }
    if (properties !== undefined && !isJsonObject(properties)) {
      refuse(`${where}.properties`, "must be an object of schemas");
    }
    const required = readRequired(source, where);
    const parts = Object.entries(properties ?? {}).map(([key, property]) => {
      const part = this.#node(property, formatPath([key], `${where}.properties`));
      const optional = !required.has(key) && !acceptsNull(this.#source, property);
      return { key, part, optional };
    });
    const byKey = new Map(parts.map((entry) => [entry.key, entry]));
    return {
      schema: {
        properties: Object.fromEntries(
          parts.map(({ key, part: { schema }, optional }) => [
            key,
            optional ? orNull(schema) : schema,
          ]),
        ),
        required: parts.map(({ key }) => key),
        additionalProperties: false,
      },
      restore: (value) =>
        Object.fromEntries(
          Object.entries(value as JsonObject)
            .filter(([key, each]) => each !== null || byKey.get(key)?.optional !== true)
            .map(([key, each]) => [key, byKey.get(key)?.part.restore(each) ?? each]),
        ),
    };
  }

  #array(source: JsonObject, where: string): StrictSchema {
    if (Array.isArray(source.items)) refuse(where, strictRefusal("items"));
    if (source.items === undefined) refuse(where, "must say what its items are");
    const items = this.#node(source.items, `${where}.items`);
    return {
      schema: { items: items.schema },
      restore: (value) => (value as unknown[]).map((item) => items.restore(item)),
    };
  }

  #target(ref: string, where: string): unknown {
    if (ref !== "#" && !/^#\/(\$defs|definitions)\/[^/]+$/.test(ref)) {
      refuse(where, 'must refer to "#" or to a definition at the top of the schema');
    }
    const target = resolveRef(this.#source, ref);
    return (
      target ??
      refuse(where, "refers to a definition that does not exist: add it, or correct the reference")
    );
  }

  #whereIs(ref: string): string {
    if (ref === "#") return this.#where;
    const [, place = ""] = ref.split("/");
    return formatPath([refName(ref)], `${this.#where}.${place}`);
  }
}

function mustStandAlone(source: JsonObject, keywords: readonly string[], where: string): void {
  const allowed = [...keywords, "title", "description"];
  for (const [keyword, value] of Object.entries(source)) {
    if (allowed.includes(keyword) || strictKeyword(keyword, value) !== "keep") continue;
    refuse(
      where,
      `has "${keyword}" beside "${keywords.join()}", which strict mode cannot express: write them as one schema`,
    );
  }
}

function readRequired(source: JsonObject, where: string): Set<unknown> {
  const { required = [], properties = {} } = source;
  if (!Array.isArray(required)) refuse(`${where}.required`, "must be an array of names");
  for (const key of required as unknown[]) {
    if (typeof key === "string" && Object.hasOwn(properties as object, key)) continue;
    refuse(`${where}.required`, "names a property that has no schema: describe it in properties");
  }
  return new Set(required as unknown[]);
}

function refuse(where: string, problem: string): never {
  throw new InvalidArgumentError(where, problem);
}
