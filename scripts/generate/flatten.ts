import type { Notes } from "./notes.js";
import { resolveShape, sameShape, unionOf, unknown } from "./type-shape.js";
import type { Field, ObjectShape, TypeDeclaration, TypeShape, TypeTable } from "./type-shape.js";

/**
 * Writes every intersection out as the plain objects it stands for: `{ a } & ({ b } | { c })`
 * becomes `{ a, b } | { a, c }`. An intersection with a map becomes an object with an index
 * signature, since as two JSON Schemas the map's would also judge the named fields. An intersection with
 * something that is no object is `unknown`, with a note.
 */
export function flattenIntersections(types: TypeTable, notes: Notes): TypeTable {
  return new Map([...types].map(([name, type]) => [name, flattenType(type, types, notes)]));
}

function flattenType(type: TypeDeclaration, types: TypeTable, notes: Notes): TypeDeclaration {
  const flatten = (shape: TypeShape): TypeShape => {
    switch (shape.kind) {
      case "array":
        return { kind: "array", element: flatten(shape.element) };
      case "map":
        return { kind: "map", value: flatten(shape.value) };
      case "union":
        return unionOf(shape.members.map(flatten));
      case "object":
        return flattenObject(shape);
      case "intersection":
        return flattenIntersection(shape);
      default:
        return shape;
    }
  };

  const flattenObject = (shape: ObjectShape): ObjectShape => ({
    kind: "object",
    fields: shape.fields.map((field) => ({ ...field, type: flatten(field.type) })),
    ...(shape.rest && { rest: flatten(shape.rest) }),
  });

  const flattenIntersection = (shape: TypeShape): TypeShape => {
    const objects = alternatives(shape);
    if (typeof objects !== "string") return unionOf(objects);
    notes.add(type.name, "an intersection in it is unknown", objects);
    return unknown;
  };

  /** The plain objects that one member of an intersection may be, or why it is none. */
  const alternatives = (shape: TypeShape): readonly ObjectShape[] | string => {
    switch (shape.kind) {
      case "object":
        return [flattenObject(shape)];
      case "map":
        return [{ kind: "object", fields: [], rest: flatten(shape.value) }];
      case "union": {
        const members = shape.members.map(alternatives);
        return (
          members.find((member) => typeof member === "string") ?? (members.flat() as ObjectShape[])
        );
      }
      case "intersection":
        return shape.members.map(alternatives).reduce((left, right) => {
          if (typeof left === "string") return left;
          if (typeof right === "string") return right;
          return left.flatMap((one) => right.map((other) => merge(one, other)));
        });
      case "ref":
        return alternatives(resolveShape(shape, types));
      case "keyword":
        // Nothing is known of its fields.
        if (shape.name === "unknown") return [{ kind: "object", fields: [], rest: unknown }];
        return `the generator cannot intersect with ${shape.name}`;
      default:
        return `the generator cannot intersect with a ${shape.kind}`;
    }
  };

  const merge = (one: ObjectShape, other: ObjectShape): ObjectShape => {
    const fields: Field[] = [...one.fields];
    for (const field of other.fields) {
      const index = fields.findIndex((candidate) => candidate.name === field.name);
      const twin = fields[index];
      if (!twin) {
        fields.push(field);
        continue;
      }
      const isSame = sameShape(twin.type, field.type);
      // What one of the two requires is required.
      const optional = twin.optional && field.optional;
      fields[index] = { ...twin, optional, type: isSame ? twin.type : unknown };
      if (!isSame) {
        const why = "two different fields of that name meet in an intersection";
        notes.add(`${type.name}.${field.name}`, "is unknown", why);
      }
    }
    // The field that tells the alternatives apart reads best in front.
    fields.sort((left, right) => Number(isTag(right)) - Number(isTag(left)));
    const rests = [one.rest, other.rest].filter((rest) => rest !== undefined);
    return { kind: "object", fields, ...(rests.length > 0 && { rest: restOf(rests, fields) }) };
  };

  return { ...type, shape: flatten(type.shape) };
}

/** TypeScript wants an index signature to cover the named fields as well. */
function restOf(rests: readonly TypeShape[], fields: readonly Field[]): TypeShape {
  const anything = rests.some((rest) => rest.kind === "ref" && rest.name === "JsonValue");
  const open = [...rests, ...fields.map((field) => field.type)];
  if (anything || open.some((type) => sameShape(type, unknown))) return unknown;
  const absent: TypeShape[] = fields.some((field) => field.optional)
    ? [{ kind: "keyword", name: "undefined" }]
    : [];
  return unionOf([...rests, ...fields.map((field) => field.type), ...absent]);
}

function isTag(field: Field): boolean {
  return field.type.kind === "literal";
}
