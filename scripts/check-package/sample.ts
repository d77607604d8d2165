type Schema = Readonly<Record<string, unknown>>;

/** A value that fits a schema of strict mode: what the model answers to a snippet that asks for a shape. */
export function sample(schema: Schema): unknown {
  const { type, properties = {}, anyOf, enum: values, const: value } = schema;
  if (Array.isArray(anyOf)) return sample(anyOf[0] as Schema);
  if (Array.isArray(values)) return values[0];
  if (value !== undefined) return value;
  switch (Array.isArray(type) ? type[0] : type) {
    case "object":
      return Object.fromEntries(
        Object.entries(properties as Record<string, Schema>).map(([key, each]) => [
          key,
          sample(each),
        ]),
      );
    case "array":
      return [];
    case "string":
      return "some text";
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return 1;
  }
}
