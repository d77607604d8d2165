import { resolveRef } from "./resolve-ref.js";
import type { Field, TypeShape, TypeTable } from "../generate/type-shape.js";

/** A shape as TypeScript on one line, without comments: `{ id: string; name?: string | null }`. */
export function shapeText(shape: TypeShape): string {
  switch (shape.kind) {
    case "keyword":
    case "ref":
      return shape.name;
    case "literal":
      return JSON.stringify(shape.value);
    case "array": {
      const element = shapeText(shape.element);
      const isOne = shape.element.kind !== "union" && shape.element.kind !== "intersection";
      return isOne ? `${element}[]` : `(${element})[]`;
    }
    case "map":
      return `{ [key: string]: ${shapeText(shape.value)} }`;
    case "union":
      return shape.members.length === 0 ? "never" : shape.members.map(shapeText).join(" | ");
    case "intersection":
      return shape.members.map((member) => `(${shapeText(member)})`).join(" & ");
    case "object": {
      const fields = shape.fields.map(fieldText);
      if (shape.rest) fields.push(`[key: string]: ${shapeText(shape.rest)}`);
      return fields.length === 0 ? "{}" : `{ ${fields.join("; ")} }`;
    }
  }
}

/** `name?: string | null` */
export function fieldText({ name, optional, type }: Field): string {
  const key = /^[A-Za-z_$][\w$]*$/.test(name) || name.startsWith("[") ? name : JSON.stringify(name);
  return `${key}${optional ? "?" : ""}: ${shapeText(type)}`;
}

/** How many types lie between a name and what is told apart by it. */
const depth = 3;

/**
 * The same text for shapes that are the same for every message: whatever their names, and in whatever
 * order their fields and members stand. Below three names, the names themselves must be the same.
 */
export function fingerprint(shape: TypeShape, types: TypeTable, left = depth): string {
  const inner = (child: TypeShape): string => fingerprint(child, types, left);
  switch (shape.kind) {
    case "ref":
      return left === 0 || !types.has(shape.name)
        ? shape.name
        : fingerprint(resolveRef(shape, types), types, left - 1);
    case "array":
      return `(${inner(shape.element)})[]`;
    case "map":
      return `{[]:${inner(shape.value)}}`;
    case "union":
    case "intersection":
      return `(${shape.members
        .map(inner)
        .sort()
        .join(shape.kind === "union" ? "|" : "&")})`;
    case "object": {
      const fields = shape.fields.map(
        ({ name, optional, type }) => `${name}${optional ? "?" : ""}:${inner(type)}`,
      );
      if (shape.rest) fields.push(`[]:${inner(shape.rest)}`);
      return `{${fields.sort().join(";")}}`;
    }
    default:
      return shapeText(shape);
  }
}

/** As `fingerprint`, with all names as they are: whether a shape is written in the same way. */
export function isWrittenAlike(one: TypeShape, other: TypeShape): boolean {
  const none: TypeTable = new Map();
  return fingerprint(one, none) === fingerprint(other, none);
}
