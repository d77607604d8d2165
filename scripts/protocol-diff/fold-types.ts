import { refsIn } from "../generate/type-shape.js";
import type { TypeTable } from "../generate/type-shape.js";
import type { ProtocolChange, TypeChange } from "./protocol-changes.js";

/** A change, and the names of the types that it mentions in each of the two releases. */
export interface FoundChange<Kind extends ProtocolChange = ProtocolChange> {
  readonly change: Kind;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/**
 * Puts a type that came with one other change, and is reached through no other, into that change's `types`;
 * so with one that went. What is left over has a change of its own.
 */
export function foldTypes(
  found: readonly FoundChange[],
  before: TypeTable,
  after: TypeTable,
): ProtocolChange[] {
  const homes = new Map([
    ...findHomes(found, "added", after),
    ...findHomes(found, "removed", before),
  ]);
  const folded = new Map<string, string[]>();
  for (const { change } of found) {
    const home = homes.get(change.id);
    if (home === undefined || home === change.id || change.kind !== "type") continue;
    folded.set(home, [...(folded.get(home) ?? []), change.type]);
  }
  return found.flatMap(({ change }) => {
    if (homes.has(change.id) && homes.get(change.id) !== change.id) return [];
    return [{ ...change, types: (folded.get(change.id) ?? []).sort() }];
  });
}

/** For each type that came (or went) the id of the one change that leads to it, or its own. */
function findHomes(
  found: readonly FoundChange[],
  what: "added" | "removed",
  types: TypeTable,
): ReadonlyMap<string, string> {
  const own = new Map<string, TypeChange>();
  for (const { change } of found) {
    if (change.kind === "type" && change.what === what) own.set(change.type, change);
  }
  // Which changes mention each of them, those of types included.
  const mentions = new Map([...own.values()].map(({ id }) => [id, new Set<string>()]));
  const mention = (name: string, by: string): void => {
    const change = own.get(name);
    if (change && change.id !== by) mentions.get(change.id)?.add(by);
  };
  for (const { change, ...refs } of found) {
    for (const name of what === "added" ? refs.after : refs.before) mention(name, change.id);
  }
  for (const [name, { id }] of own) {
    const type = types.get(name);
    for (const ref of type ? refsIn(type.shape) : []) mention(ref, id);
  }
  return settle(mentions);
}

/** Follows who mentions whom until nothing moves any more; what two lead to stays where it is. */
function settle(mentions: ReadonlyMap<string, ReadonlySet<string>>): ReadonlyMap<string, string> {
  const homes = new Map([...mentions.keys()].map((id) => [id, id]));
  for (let moved = true; moved;) {
    moved = false;
    for (const [id, by] of mentions) {
      const leading = new Set([...by].map((each) => homes.get(each) ?? each));
      leading.delete(id);
      const [only, ...more] = leading;
      if (only === undefined || more.length > 0 || homes.get(id) === only) continue;
      homes.set(id, only);
      moved = true;
    }
  }
  return homes;
}
