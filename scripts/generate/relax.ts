import type { ProtocolMethods } from "./read-methods.js";
import type { UpstreamSchema, UpstreamSchemas } from "./upstream-schema.js";
import { refsIn, unionOf } from "./type-shape.js";
import type { Field, ObjectShape, TypeDeclaration, TypeShape, TypeTable } from "./type-shape.js";

/**
 * Fields that the TypeScript export declares as always there and that the server was seen to leave
 * out of what it sends.
 */
const leftOut: Readonly<Record<string, readonly string[]>> = {
  ConfigReadResponse: ["layers"],
};

/**
 * The TypeScript export shows how the server writes, roughly; the JSON Schema shows what it reads.
 * So in the types that a client sends, a field may be missing or null where the JSON Schema allows
 * it. In the others only a field that may be missing anyway may also be null: the server writes
 * either, whatever the export says.
 */
export function relaxTypes(
  types: TypeTable,
  methods: ProtocolMethods,
  upstream: UpstreamSchemas,
): TypeTable {
  const sent = reachable(types, [
    ...methods.clientRequests.flatMap((request) => [...refsIn(request.params)]),
    ...methods.serverRequests.flatMap((request) => request.result ?? []),
  ]);
  return relaxEach(types, upstream, (field, allowed, type) => {
    if (sent.has(type)) return allowed;
    const seenMissing = leftOut[type]?.includes(field.name) ?? false;
    return { missing: seenMissing, null: field.optional && allowed.null };
  });
}

/** For judging messages: every field may be missing or null where the JSON Schema allows it. */
export function relaxForSchemas(types: TypeTable, upstream: UpstreamSchemas): TypeTable {
  return relaxEach(types, upstream, (_field, allowed) => allowed);
}

interface Allowance {
  readonly missing: boolean;
  readonly null: boolean;
}

function relaxEach(
  types: TypeTable,
  upstream: UpstreamSchemas,
  decide: (field: Field, allowed: Allowance, type: string) => Allowance,
): TypeTable {
  const relaxType = (type: TypeDeclaration): TypeDeclaration => {
    const schema = upstream.v2.get(type.name) ?? upstream.root.get(type.name);
    const nodes = schema && objectNodes(schema);
    const relaxField = (field: Field, shape: ObjectShape): Field => {
      const allowed = nodes ? allowedBySchema(field, shape, nodes) : allowedByRule(field);
      const use = decide(field, allowed, type.name);
      return {
        ...field,
        optional: field.optional || use.missing,
        type: use.null ? orNull(field.type) : field.type,
      };
    };
    const relax = (shape: TypeShape): TypeShape => {
      if (shape.kind === "union") return unionOf(shape.members.map(relax));
      if (shape.kind !== "object") return shape;
      return { ...shape, fields: shape.fields.map((field) => relaxField(field, shape)) };
    };
    return { ...type, shape: relax(type.shape) };
  };
  return new Map([...types].map(([name, type]) => [name, relaxType(type)]));
}

function allowedBySchema(
  field: Field,
  shape: ObjectShape,
  nodes: readonly UpstreamSchema[],
): Allowance {
  const fitting = nodes.filter((node) => shape.fields.every((tag) => tagFits(tag, node)));
  const holders = fitting.filter((node) => node.properties.has(field.name));
  if (holders.length === 0) return { missing: false, null: false };
  return {
    missing: holders.every((node) => !node.required.includes(field.name)),
    null: holders.every((node) => acceptsNull(node.properties.get(field.name))),
  };
}

/** A type without a JSON Schema: the server takes a missing field for null everywhere. */
function allowedByRule(field: Field): Allowance {
  const members = field.type.kind === "union" ? field.type.members : [field.type];
  return { missing: members.some(isNull), null: false };
}

function tagFits(field: Field, node: UpstreamSchema): boolean {
  if (field.type.kind !== "literal") return true;
  return node.properties.get(field.name)?.enum.includes(field.type.value) ?? false;
}

function objectNodes(schema: UpstreamSchema): UpstreamSchema[] {
  const inner = [...schema.oneOf, ...schema.anyOf].flatMap(objectNodes);
  return schema.properties.size > 0 ? [schema, ...inner] : inner;
}

function acceptsNull(schema: UpstreamSchema | undefined): boolean {
  return schema !== undefined && (schema.types.includes("null") || schema.anyOf.some(acceptsNull));
}

function orNull(type: TypeShape): TypeShape {
  // JsonValue holds null already.
  if (type.kind === "ref" && type.name === "JsonValue") return type;
  return unionOf([type, { kind: "keyword", name: "null" }]);
}

function isNull(shape: TypeShape): boolean {
  return shape.kind === "keyword" && shape.name === "null";
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
