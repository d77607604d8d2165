import type { ObjectShape, TypeShape } from "../generate/type-shape.js";
import { fingerprint } from "./shape-text.js";

/** One way that a value may be. */
export interface Member {
  /**
   * A literal; an object that says by one field which it is, or that has but one field, whose name says
   * it; anything else.
   */
  readonly kind: "literal" | "variant" | "alternative";
  /** A literal as JSON, or the name of a variant; empty for an alternative. */
  readonly name: string;
  readonly shape: TypeShape;
}

export interface Pairing {
  /** The field that tells variants apart. */
  readonly tag: string | undefined;
  readonly pairs: readonly (Omit<Member, "shape"> & {
    readonly before: TypeShape;
    readonly after: TypeShape;
  })[];
  readonly removed: Member[];
  readonly added: Member[];
}

/** What a value of a type may be, one by one. */
export function membersOf(shape: TypeShape): readonly TypeShape[] {
  return shape.kind === "union" ? shape.members : [shape];
}

/** Finds for each member of one union the same one of another. */
export function pairMembers(before: readonly TypeShape[], after: readonly TypeShape[]): Pairing {
  const tag = tagOf([...before, ...after]);
  const isUnion = before.length > 1 || after.length > 1;
  const removed = before.map((shape) => memberOf(shape, tag, isUnion));
  const added = after.map((shape) => memberOf(shape, tag, isUnion));
  const pairs: Pairing["pairs"][number][] = [];
  const pair = (isSame: (one: Member, other: Member) => boolean): void => {
    const alike = removed.flatMap((one) =>
      added
        .filter((other) => isSame(one, other))
        .map((other) => ({ one, other, shared: sharedFields(one.shape, other.shape) })),
    );
    // Of several with one name, those that have the most in common are the same.
    alike.sort((left, right) => right.shared - left.shared);
    for (const { one, other } of alike) {
      if (!removed.includes(one) || !added.includes(other)) continue;
      removed.splice(removed.indexOf(one), 1);
      added.splice(added.indexOf(other), 1);
      pairs.push({ kind: one.kind, name: one.name, before: one.shape, after: other.shape });
    }
  };
  pair(
    (one, other) =>
      one.kind === other.kind &&
      (one.name !== "" ? one.name === other.name : textOf(one) === textOf(other)),
  );
  // What is left has no name; the only object, list or map of both is the same one.
  for (const kind of ["object", "array", "map"] as const) {
    const isOnly = (members: readonly Member[]): boolean =>
      members.filter((member) => member.shape.kind === kind).length === 1;
    if (!isOnly(removed) || !isOnly(added)) continue;
    pair(
      (one, other) =>
        one.kind === "alternative" &&
        other.kind === "alternative" &&
        one.shape.kind === kind &&
        other.shape.kind === kind,
    );
  }
  return { tag, pairs, removed, added };
}

function sharedFields(one: TypeShape, other: TypeShape): number {
  if (one.kind !== "object" || other.kind !== "object") return 0;
  const names = new Set(one.fields.map(({ name }) => name));
  return other.fields.filter(({ name }) => names.has(name)).length;
}

function textOf(member: Member): string {
  return fingerprint(member.shape, new Map());
}

function memberOf(shape: TypeShape, tag: string | undefined, isUnion: boolean): Member {
  if (shape.kind === "literal") {
    return { kind: "literal", name: JSON.stringify(shape.value), shape };
  }
  if (shape.kind === "object") {
    const name =
      (tag === undefined ? undefined : literalOf(shape, tag)) ??
      (isUnion ? onlyField(shape) : undefined);
    if (name !== undefined) return { kind: "variant", name, shape };
  }
  return { kind: "alternative", name: "", shape };
}

/** The field that says of most objects what they are, each in a text of its own. */
function tagOf(members: readonly TypeShape[]): string | undefined {
  const texts = new Map<string, Set<string>>();
  for (const object of members) {
    if (object.kind !== "object") continue;
    for (const { name } of object.fields) {
      const text = literalOf(object, name);
      if (text !== undefined) texts.set(name, (texts.get(name) ?? new Set()).add(text));
    }
  }
  const [best] = [...texts].sort(([, one], [, other]) => other.size - one.size);
  return best?.[0];
}

function literalOf(object: ObjectShape, name: string): string | undefined {
  const type = object.fields.find((field) => field.name === name)?.type;
  return type?.kind === "literal" && typeof type.value === "string" ? type.value : undefined;
}

function onlyField(object: ObjectShape): string | undefined {
  const [field, ...more] = object.fields;
  return field && more.length === 0 && !object.rest ? field.name : undefined;
}
