import { compareMethods } from "./compare-methods.js";
import { compareTypes } from "./compare-types.js";
import { foldTypes } from "./fold-types.js";
import type { ProtocolChange, ProtocolChanges } from "./protocol-changes.js";
import type { ProtocolSurface } from "./protocol-surface.js";

/**
 * What is different in the protocol of the second of two releases: methods, types, fields and values. What
 * was renamed is one that went and one that came. Only what travels counts: neither comments nor order.
 */
export function compareSurfaces(before: ProtocolSurface, after: ProtocolSurface): ProtocolChanges {
  const found = [...compareMethods(before, after), ...compareTypes(before, after)];
  const changes = foldTypes(found, before.types, after.types);
  changes.sort((one, other) => compareKeys(sortKey(one), sortKey(other)));
  const notes = [before, after].flatMap(({ version, notes }) =>
    notes.map((note) => `${version}: ${note}`),
  );
  return { before: before.version, after: after.version, changes: withOwnIds(changes), notes };
}

/** Several forms of one variant may come at once. */
function withOwnIds(changes: readonly ProtocolChange[]): ProtocolChange[] {
  const seen = new Map<string, number>();
  return changes.map((change) => {
    const count = (seen.get(change.id) ?? 0) + 1;
    seen.set(change.id, count);
    return count === 1 ? change : { ...change, id: `${change.id} (${count})` };
  });
}

const kinds = ["clientRequests", "clientNotifications", "serverNotifications", "serverRequests"];

function sortKey(change: ProtocolChange): readonly (string | number)[] {
  if (change.kind === "method") {
    return [0, kinds.indexOf(change.messageKind), change.method, change.id];
  }
  return [change.kind === "value" ? 2 : 1, change.type, change.id];
}

function compareKeys(
  one: readonly (string | number)[],
  other: readonly (string | number)[],
): number {
  for (const [index, key] of one.entries()) {
    const twin = other[index];
    if (twin === undefined || key === twin) continue;
    return key < twin ? -1 : 1;
  }
  return 0;
}
