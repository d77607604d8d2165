/** The binary's own JSON Schema: the newer types in `v2`, the others, with plain names, beside it. */
export interface UpstreamSchemas {
  readonly v2: ReadonlyMap<string, UpstreamSchema>;
  readonly root: ReadonlyMap<string, UpstreamSchema>;
}

/** As much of one JSON Schema of the binary as is read here. */
export interface UpstreamSchema {
  readonly properties: ReadonlyMap<string, UpstreamSchema>;
  readonly required: readonly unknown[];
  readonly oneOf: readonly UpstreamSchema[];
  readonly anyOf: readonly UpstreamSchema[];
  readonly enum: readonly unknown[];
  readonly types: readonly unknown[];
}

/** Reads the file of all schemas; what has another form than expected is not in the result. */
export function readDefinitions(file: unknown): UpstreamSchemas {
  const definitions = isRecord(file) ? file["definitions"] : undefined;
  const { v2, ...root } = isRecord(definitions) ? definitions : {};
  return { v2: readSchemas(v2), root: readSchemas(root) };
}

function readSchemas(value: unknown): ReadonlyMap<string, UpstreamSchema> {
  if (!isRecord(value)) return new Map();
  return new Map(Object.entries(value).map(([name, each]) => [name, readSchema(each) ?? nothing]));
}

/**
 * Reads a schema and takes every part that is of another form than expected for absent: what it says
 * is then not known, as of a type that has no schema. Undefined for what is no object.
 */
function readSchema(value: unknown): UpstreamSchema | undefined {
  if (!isRecord(value)) return undefined;
  const properties = isRecord(value["properties"]) ? Object.entries(value["properties"]) : [];
  return {
    properties: new Map(properties.map(([name, each]) => [name, readSchema(each) ?? nothing])),
    required: listOf(value["required"]),
    oneOf: listOf(value["oneOf"]).flatMap((each) => readSchema(each) ?? []),
    anyOf: listOf(value["anyOf"]).flatMap((each) => readSchema(each) ?? []),
    enum: "const" in value ? [value["const"]] : listOf(value["enum"]),
    types: Array.isArray(value["type"]) ? (value["type"] as unknown[]) : [value["type"]],
  };
}

/** The methods that the schema of a union lists; undefined when it lists none. */
export function methodsListed(
  schema: UpstreamSchema | undefined,
): ReadonlySet<unknown> | undefined {
  const arms = [...(schema?.oneOf ?? []), ...(schema?.anyOf ?? [])];
  const methods = arms.flatMap((arm) => arm.properties.get("method")?.enum ?? []);
  return methods.length === 0 ? undefined : new Set(methods);
}

const nothing: UpstreamSchema = {
  properties: new Map(),
  required: [],
  oneOf: [],
  anyOf: [],
  enum: [],
  types: [],
};

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
