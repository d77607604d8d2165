import type { Notes } from "./notes.js";
import { unknown } from "./type-shape.js";
import type { TypeShape, TypeTable } from "./type-shape.js";

/**
 * Makes each type `unknown` that is no more than itself, such as `A = A | string`: TypeScript refuses it, and
 * whoever follows names would follow these for ever. A type that contains itself in a field, a list or a map
 * is none of these.
 */
export function breakCycles(types: TypeTable, notes: Notes): TypeTable {
  const broken = new Map(types);
  for (const [name, type] of types) {
    if (!leadsTo(name, type.shape, broken)) continue;
    broken.set(name, { ...type, shape: unknown });
    notes.add(name, "is unknown", "it is declared as itself");
  }
  return broken;
}

function leadsTo(name: string, start: TypeShape, types: TypeTable): boolean {
  const seen = new Set<string>();
  const open: TypeShape[] = [start];
  for (let shape = open.pop(); shape !== undefined; shape = open.pop()) {
    if (shape.kind === "union" || shape.kind === "intersection") open.push(...shape.members);
    if (shape.kind !== "ref" || seen.has(shape.name)) continue;
    if (shape.name === name) return true;
    seen.add(shape.name);
    const target = types.get(shape.name);
    if (target) open.push(target.shape);
  }
  return false;
}
