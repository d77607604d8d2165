/**
 * Whether something in a JSON Schema may be left out. The model is asked for such a property as one that may be
 * null, and those nulls can be taken out of a whole answer only.
 */
export function hasOptional(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null) return false;
  if (Array.isArray(schema)) return schema.some(hasOptional);
  const { properties, required } = schema as { properties?: unknown; required?: unknown };
  const isRequired = (name: string) => Array.isArray(required) && required.includes(name);
  if (typeof properties === "object" && properties !== null) {
    if (!Object.keys(properties).every(isRequired)) return true;
  }
  return Object.values(schema).some(hasOptional);
}
