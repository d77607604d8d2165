import { sameShape, unionOf } from "./type-shape.js";
import type { Field, ObjectShape, TypeDeclaration, TypeShape, TypeTable } from "./type-shape.js";

/**
 * Writes every intersection out as the plain objects it stands for: `{ a } & ({ b } | { c })`
 * becomes `{ a, b } | { a, c }`. An intersection with a map becomes an object with an index
 * signature, since as two JSON Schemas the map's would also judge the named fields.
 */
export function flattenIntersections(types: TypeTable): TypeTable {
  return new Map([...types].map(([name, type]) => [name, flattenType(type, types)]));
}

function flattenType(type: TypeDeclaration, types: TypeTable): TypeDeclaration {
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
        return unionOf(alternatives(shape));
      default:
        return shape;
    }
  };

  const flattenObject = (shape: ObjectShape): ObjectShape => ({
    kind: "object",
    fields: shape.fields.map((field) => ({ ...field, type: flatten(field.type) })),
    ...(shape.rest && { rest: flatten(shape.rest) }),
  });

  /** The plain objects that one member of an intersection may be. */
  const alternatives = (shape: TypeShape): readonly ObjectShape[] => {
    switch (shape.kind) {
      case "object":
        return [flattenObject(shape)];
      case "map":
        return [{ kind: "object", fields: [], rest: flatten(shape.value) }];
      case "union":
        return shape.members.flatMap(alternatives);
      case "intersection":
        return shape.members
          .map(alternatives)
          .reduce((left, right) =>
            left.flatMap((one) => right.map((other) => merge(type.name, one, other))),
          );
      case "ref": {
        const target = types.get(shape.name);
        if (target) return alternatives(target.shape);
        break;
      }
      default:
    }
    throw new Error(`${type.name}: cannot intersect with ${shape.kind}`);
  };

  return { ...type, shape: flatten(type.shape) };
}

function merge(typeName: string, one: ObjectShape, other: ObjectShape): ObjectShape {
  const fields: Field[] = [...one.fields];
  for (const field of other.fields) {
    const twin = fields.find((candidate) => candidate.name === field.name);
    if (!twin) fields.push(field);
    else if (!sameShape(twin.type, field.type)) {
      throw new Error(
        `${typeName}: two different fields named ${field.name} meet in an intersection`,
      );
    }
  }
  // The field that tells the alternatives apart reads best in front.
  fields.sort((left, right) => Number(isTag(right)) - Number(isTag(left)));
  const rests = [one.rest, other.rest].filter((rest) => rest !== undefined);
  return { kind: "object", fields, ...(rests.length > 0 && { rest: restOf(rests, fields) }) };
}

/** TypeScript wants an index signature to cover the named fields as well. */
function restOf(rests: readonly TypeShape[], fields: readonly Field[]): TypeShape {
  const anything = rests.some((rest) => rest.kind === "ref" && rest.name === "JsonValue");
  if (anything) return { kind: "keyword", name: "unknown" };
  const absent: TypeShape[] = fields.some((field) => field.optional)
    ? [{ kind: "keyword", name: "undefined" }]
    : [];
  return unionOf([...rests, ...fields.map((field) => field.type), ...absent]);
}

function isTag(field: Field): boolean {
  return field.type.kind === "literal";
}
