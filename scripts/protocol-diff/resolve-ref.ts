import type { TypeShape, TypeTable } from "../generate/type-shape.js";

/** What a shape stands for, through names. A name that nothing is known of stands for itself. */
export function resolveRef(shape: TypeShape, types: TypeTable): TypeShape {
  const passed = new Set<string>();
  let current = shape;
  while (current.kind === "ref" && !passed.has(current.name)) {
    passed.add(current.name);
    current = types.get(current.name)?.shape ?? current;
  }
  return current;
}
