import type { AnySchemaObject } from "ajv";
import { protocolSchema } from "./schemas.js";

/** The smallest value of a named type of the protocol: what may be left out is left out. */
export function sampleOf(typeName: string): unknown {
  const schema = protocolSchema.definitions[typeName];
  if (!schema) throw new Error(`There is no type ${typeName}`);
  return sample(schema);
}

function sample(schema: AnySchemaObject): unknown {
  if (typeof schema.$ref === "string") return sampleOf(schema.$ref.replace("#/definitions/", ""));
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const [first] = (schema.anyOf ?? schema.oneOf ?? []) as AnySchemaObject[];
  if (first) return sample(first);
  if (Array.isArray(schema.allOf)) {
    return Object.assign({}, ...(schema.allOf as AnySchemaObject[]).map(sample)) as object;
  }
  const [type] = [schema.type].flat() as unknown[];
  switch (type) {
    case "object":
      return sampleObject(schema);
    case "array":
      return [];
    case "string":
      return "text";
    case "number":
    case "integer":
      return 1;
    case "boolean":
      return true;
    default:
      // Anything at all, or null alone.
      return null;
  }
}

function sampleObject(schema: AnySchemaObject): object {
  const { required = [], properties = {} } = schema as {
    required?: readonly string[];
    properties?: Readonly<Record<string, AnySchemaObject>>;
  };
  return Object.fromEntries(required.map((name) => [name, sample(properties[name] ?? {})]));
}
