/** The generator's own picture of a type: what it is made of, without the text it came from. */
export type TypeShape =
  | { readonly kind: "keyword"; readonly name: KeywordName }
  | { readonly kind: "literal"; readonly value: string | number | boolean }
  | { readonly kind: "ref"; readonly name: string }
  | { readonly kind: "array"; readonly element: TypeShape }
  | { readonly kind: "map"; readonly value: TypeShape }
  | ObjectShape
  | { readonly kind: "union"; readonly members: readonly TypeShape[] }
  | { readonly kind: "intersection"; readonly members: readonly TypeShape[] };

export type KeywordName = "boolean" | "null" | "number" | "string" | "undefined" | "unknown";

export interface ObjectShape {
  readonly kind: "object";
  readonly fields: readonly Field[];
  /** What the fields that are not listed hold. Without it, an object only has its fields. */
  readonly rest?: TypeShape;
}

export interface Field {
  readonly name: string;
  readonly optional: boolean;
  readonly type: TypeShape;
  readonly tags: readonly Tag[];
}

export type Tag = "deprecated" | "experimental";

export interface TypeDeclaration {
  readonly name: string;
  readonly shape: TypeShape;
  readonly tags: readonly Tag[];
}

/** What the generator has no picture for. */
export const unknown: TypeShape = { kind: "keyword", name: "unknown" };

/** Every type by its name, in the order of the names. */
export type TypeTable = ReadonlyMap<string, TypeDeclaration>;

/** Rebuilds a shape from the inside out. */
export function mapShape(shape: TypeShape, change: (shape: TypeShape) => TypeShape): TypeShape {
  const inner = (child: TypeShape): TypeShape => mapShape(child, change);
  switch (shape.kind) {
    case "array":
      return change({ kind: "array", element: inner(shape.element) });
    case "map":
      return change({ kind: "map", value: inner(shape.value) });
    case "union":
      return change(unionOf(shape.members.map(inner)));
    case "intersection":
      return change({ kind: "intersection", members: shape.members.map(inner) });
    case "object":
      return change({
        kind: "object",
        fields: shape.fields.map((field) => ({ ...field, type: inner(field.type) })),
        ...(shape.rest && { rest: inner(shape.rest) }),
      });
    default:
      return change(shape);
  }
}

/** A union without nested unions and without repeated members; one member alone is itself. */
export function unionOf(members: readonly TypeShape[]): TypeShape {
  const flat = members.flatMap((member) => (member.kind === "union" ? member.members : [member]));
  const distinct = flat.filter(
    (member, index) => flat.findIndex((other) => sameShape(other, member)) === index,
  );
  const [only] = distinct;
  return distinct.length === 1 && only ? only : { kind: "union", members: distinct };
}

export function sameShape(one: TypeShape, other: TypeShape): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The names of the types that a shape mentions. */
export function refsIn(shape: TypeShape): Set<string> {
  const names = new Set<string>();
  mapShape(shape, (part) => {
    if (part.kind === "ref") names.add(part.name);
    return part;
  });
  return names;
}

/** What a shape stands for, through names. */
export function resolveShape(shape: TypeShape, types: TypeTable): TypeShape {
  if (shape.kind !== "ref") return shape;
  const target = types.get(shape.name);
  if (!target) throw new Error(`There is no type ${shape.name}`);
  return resolveShape(target.shape, types);
}
