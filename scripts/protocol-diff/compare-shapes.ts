import { sameShape } from "../generate/type-shape.js";
import type { Field, ObjectShape, TypeShape, TypeTable } from "../generate/type-shape.js";
import { membersOf, pairMembers } from "./pair-members.js";
import type { Step } from "./protocol-changes.js";
import { resolveRef } from "./resolve-ref.js";
import { isWrittenAlike } from "./shape-text.js";

/** A difference inside a type. */
export type ShapeChange = FieldDifference | ValueDifference;

export interface FieldDifference {
  readonly kind: "field";
  readonly path: readonly Step[];
  /** One of them is undefined when the field came or went. */
  readonly before: Field | undefined;
  readonly after: Field | undefined;
  /** When another type, null aside, is in the place of the former one. */
  readonly type: TypeDifference | undefined;
}

export interface ValueDifference {
  readonly kind: "value";
  readonly path: readonly Step[];
  readonly what: "added" | "removed";
  readonly valueKind: "literal" | "variant" | "alternative";
  /** A literal as JSON, or the name of a variant; empty for an alternative, which is its shape. */
  readonly name: string;
  /** The field that tells the variants apart. */
  readonly tag: string | undefined;
  readonly shape: TypeShape;
  /** A variant of the same name was there before, or stays: the variant has several forms. */
  readonly isForm: boolean;
}

/** One type in the place of another. */
export interface TypeDifference {
  readonly before: TypeShape;
  readonly after: TypeShape;
  /** What is different once names are resolved. */
  readonly inside: Comparison;
}

/** "everything": the shapes have nothing in common. */
export type Comparison = readonly ShapeChange[] | "everything";

/** Compares shapes of two releases, whose types by name are these. */
export class ShapeComparer {
  readonly #before: TypeTable;
  readonly #after: TypeTable;
  /** The pairs of types that are being compared, since types may hold themselves. */
  readonly #open = new Set<string>();

  constructor(before: TypeTable, after: TypeTable) {
    this.#before = before;
    this.#after = after;
  }

  /**
   * The differences of two shapes, in the order of their fields. A type that both refer to by the same
   * name is left to its own comparison.
   */
  compare(before: TypeShape, after: TypeShape): Comparison {
    if (sameShape(before, after)) return [];
    if (before.kind === "array" && after.kind === "array") {
      return within({ element: true }, this.compare(before.element, after.element));
    }
    if (before.kind === "map" && after.kind === "map") {
      return within({ element: true }, this.compare(before.value, after.value));
    }
    return this.#compareMembers(membersOf(before), membersOf(after));
  }

  /** As `compare`, of what two names stand for. */
  compareResolved(before: TypeShape, after: TypeShape): Comparison {
    const pair = JSON.stringify([before, after]);
    if (this.#open.has(pair)) return [];
    this.#open.add(pair);
    try {
      return this.compare(resolveRef(before, this.#before), resolveRef(after, this.#after));
    } finally {
      this.#open.delete(pair);
    }
  }

  #compareMembers(before: readonly TypeShape[], after: readonly TypeShape[]): Comparison {
    const { tag, pairs, removed, added } = pairMembers(before, after);
    const changes: ShapeChange[] = [];
    const inVariants: { name: string; changes: readonly ShapeChange[] }[] = [];
    let shared = 0;
    for (const pair of pairs) {
      const inside = this.#compareMember(pair.before, pair.after);
      if (inside === "everything") {
        // Only what has neither a tag nor a name of its own is paired by a guess.
        removed.push({ kind: "alternative", name: "", shape: pair.before });
        added.push({ kind: "alternative", name: "", shape: pair.after });
        continue;
      }
      shared += 1;
      if (pair.kind === "variant") inVariants.push({ name: pair.name, changes: inside });
      else changes.push(...inside);
    }
    if (shared === 0 && before.length > 0 && after.length > 0) return "everything";
    const isUnion = before.length > 1 || after.length > 1;
    changes.push(...(isUnion ? mergeVariants(inVariants) : inVariants.flatMap((v) => v.changes)));
    for (const [what, members] of [["removed", removed] as const, ["added", added] as const]) {
      for (const { kind, name, shape } of members) {
        const isForm = kind === "variant" && inVariants.some((variant) => variant.name === name);
        changes.push({ kind: "value", path: [], what, valueKind: kind, name, tag, shape, isForm });
      }
    }
    return changes;
  }

  #compareMember(before: TypeShape, after: TypeShape): Comparison {
    if (before.kind === "object" && after.kind === "object") {
      return this.#compareObjects(before, after);
    }
    if (before.kind === after.kind && (before.kind === "array" || before.kind === "map")) {
      return this.compare(before, after);
    }
    return isWrittenAlike(before, after) ? [] : "everything";
  }

  #compareObjects(before: ObjectShape, after: ObjectShape): readonly ShapeChange[] {
    const [old, fresh] = [fieldsOf(before), fieldsOf(after)];
    const names = new Set([...old.keys(), ...fresh.keys()]);
    return [...names].flatMap((name) => this.#compareFields(old.get(name), fresh.get(name)));
  }

  #compareFields(before: Field | undefined, after: Field | undefined): readonly ShapeChange[] {
    const field = { kind: "field", path: [], before, after } as const;
    if (!before || !after) return [{ ...field, type: undefined }];
    const [old, fresh] = [withoutNull(before.type), withoutNull(after.type)];
    const inside = this.compare(old, fresh);
    const type =
      inside === "everything"
        ? { before: old, after: fresh, inside: this.compareResolved(old, fresh) }
        : undefined;
    const isChanged =
      type !== undefined ||
      before.optional !== after.optional ||
      isNullable(before.type) !== isNullable(after.type) ||
      before.tags.join() !== after.tags.join();
    const own: ShapeChange[] = isChanged ? [{ ...field, type }] : [];
    if (inside === "everything") return own;
    return [...own, ...(within({ field: before.name }, inside) as readonly ShapeChange[])];
  }
}

export function isNullable(shape: TypeShape): boolean {
  return membersOf(shape).some((member) => member.kind === "keyword" && member.name === "null");
}

function withoutNull(shape: TypeShape): TypeShape {
  if (shape.kind !== "union" || !isNullable(shape)) return shape;
  const members = shape.members.filter((each) => each.kind !== "keyword" || each.name !== "null");
  const [only] = members;
  return members.length === 1 && only ? only : { kind: "union", members };
}

/** What the other fields of an object hold is compared like a field. */
function fieldsOf(shape: ObjectShape): ReadonlyMap<string, Field> {
  const fields = shape.fields.map((field) => [field.name, field] as const);
  if (!shape.rest) return new Map(fields);
  const name = "[key: string]";
  return new Map([...fields, [name, { name, optional: false, type: shape.rest, tags: [] }]]);
}

function within(step: Step, inside: Comparison): Comparison {
  if (inside === "everything") return inside;
  return inside.map((change) => ({ ...change, path: [step, ...change.path] }));
}

/** What is different in the same way in several variants is one difference. */
function mergeVariants(
  variants: readonly { readonly name: string; readonly changes: readonly ShapeChange[] }[],
): readonly ShapeChange[] {
  const merged = new Map<string, { change: ShapeChange; names: string[] }>();
  for (const { name, changes } of variants) {
    for (const change of changes) {
      const key = JSON.stringify(change);
      const known = merged.get(key);
      if (known) known.names.push(name);
      else merged.set(key, { change, names: [name] });
    }
  }
  return [...merged.values()].map(({ change, names }) => {
    const isEverywhere = names.length > 1 && names.length === variants.length;
    return isEverywhere
      ? change
      : { ...change, path: [{ variants: [...new Set(names)] }, ...change.path] };
  });
}
