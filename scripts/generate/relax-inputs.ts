import type { ProtocolMethods } from "./read-methods.js";
import { refsIn, unionOf } from "./type-shape.js";
import type { Field, ObjectShape, TypeDeclaration, TypeShape, TypeTable } from "./type-shape.js";

/** The binary's own JSON Schema: the newer types in `v2`, the others, with plain names, beside it. */
export interface UpstreamSchemas {
  readonly definitions: Readonly<Record<string, UpstreamSchema>> & {
    readonly v2: Readonly<Record<string, UpstreamSchema>>;
  };
}

/** As much of one type's schema as is read here. */
export interface UpstreamSchema {
  readonly properties?: Readonly<Record<string, UpstreamSchema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly UpstreamSchema[];
  readonly anyOf?: readonly UpstreamSchema[];
  readonly enum?: readonly unknown[];
  readonly type?: string | readonly string[];
}

/**
 * Makes optional what a client may leave out, and nullable what it may send as null. The TypeScript
 * export shows what the server writes, so a field with a default on input is required there; the
 * JSON Schema shows what the server reads. Only types that a client sends are changed.
 */
export function relaxInputs(
  types: TypeTable,
  methods: ProtocolMethods,
  upstream: UpstreamSchemas,
): TypeTable {
  const { v2, ...root } = upstream.definitions;
  const sent = reachable(types, [
    ...methods.clientRequests.flatMap((request) => [...refsIn(request.params)]),
    ...methods.serverRequests.map((request) => request.result),
  ]);
  return new Map(
    [...types].map(([name, type]) => {
      const schema = sent.has(name) ? (v2[name] ?? root[name]) : undefined;
      return [name, schema ? relaxType(type, schema) : type];
    }),
  );
}

function reachable(types: TypeTable, roots: readonly string[]): Set<string> {
  const found = new Set<string>();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const type = types.get(name);
    if (!type || found.has(name)) continue;
    found.add(name);
    open.push(...refsIn(type.shape));
  }
  return found;
}

function relaxType(type: TypeDeclaration, schema: UpstreamSchema): TypeDeclaration {
  const nodes = objectNodes(schema);
  const relax = (shape: TypeShape): TypeShape => {
    if (shape.kind === "union") return unionOf(shape.members.map(relax));
    return shape.kind === "object" ? relaxObject(shape, nodes) : shape;
  };
  return { ...type, shape: relax(type.shape) };
}

function relaxObject(shape: ObjectShape, nodes: readonly UpstreamSchema[]): ObjectShape {
  const own = nodes.filter((node) => shape.fields.every((field) => tagFits(field, node)));
  const fields = shape.fields.map((field) => {
    const holders = own.filter((node) => node.properties?.[field.name]);
    if (holders.length === 0) return field;
    const nullable = holders.every((node) => acceptsNull(node.properties?.[field.name]));
    const required = holders.some((node) => node.required?.includes(field.name));
    return {
      ...field,
      optional: field.optional || !required,
      type: nullable && field.type.kind !== "literal" ? orNull(field.type) : field.type,
    };
  });
  return { ...shape, fields };
}

function acceptsNull(schema: UpstreamSchema | undefined): boolean {
  const types = [schema?.type ?? []].flat();
  return types.includes("null") || (schema?.anyOf?.some(acceptsNull) ?? false);
}

function orNull(type: TypeShape): TypeShape {
  // JsonValue holds null already.
  if (type.kind === "ref" && type.name === "JsonValue") return type;
  return unionOf([type, { kind: "keyword", name: "null" }]);
}

function tagFits(field: Field, node: UpstreamSchema): boolean {
  if (field.type.kind !== "literal") return true;
  return node.properties?.[field.name]?.enum?.includes(field.type.value) ?? false;
}

function objectNodes(schema: UpstreamSchema): UpstreamSchema[] {
  const inner = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].flatMap(objectNodes);
  return schema.properties ? [schema, ...inner] : inner;
}
