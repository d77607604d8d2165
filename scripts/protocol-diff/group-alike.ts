import { placeOf, type ProtocolChange } from "./protocol-changes.js";

/**
 * Puts the fields together that came into one object, or went, and so the values of one enumeration. Every
 * other change is alone. Each group stands where its first change stood.
 */
export function groupAlike(changes: readonly ProtocolChange[]): ProtocolChange[][] {
  const groups = new Map<string, ProtocolChange[]>();
  for (const change of changes) {
    const key = keyOf(change);
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return [...groups.values()];
}

function keyOf(change: ProtocolChange): string {
  const isAlone =
    change.kind === "method" ||
    change.kind === "type" ||
    change.what === "changed" ||
    (change.kind === "value" && change.isForm) ||
    change.perhapsRenamed !== undefined;
  if (isAlone) return change.id;
  const kind = change.kind === "value" ? change.valueKind : "field";
  return [kind, change.what, placeOf(change)].join(" ");
}
