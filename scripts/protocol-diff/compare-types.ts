import { refsIn } from "../generate/type-shape.js";
import type { Field, TypeDeclaration, TypeShape } from "../generate/type-shape.js";
import { ShapeComparer, type FieldDifference, type ShapeChange } from "./compare-shapes.js";
import { describeInside, flagsOf } from "./describe-inside.js";
import { findRenamed } from "./find-renamed.js";
import type { FoundChange } from "./fold-types.js";
import { isBreaking } from "./is-breaking.js";
import { placeOf, pathText } from "./protocol-changes.js";
import type {
  Aspect,
  Direction,
  FieldChange,
  TypeChange,
  ValueChange,
} from "./protocol-changes.js";
import {
  isSent,
  isMessageUnion,
  readUses,
  type ProtocolSurface,
  type Use,
} from "./protocol-surface.js";
import { fieldText, fingerprint, shapeText } from "./shape-text.js";

type TypeUses = ReadonlyMap<string, readonly Use[]>;

/** What is different about the named types, and inside them. */
export function compareTypes(before: ProtocolSurface, after: ProtocolSurface): FoundChange[] {
  const uses = { before: readUses(before), after: readUses(after) };
  const [old, fresh] = [typesOf(before), typesOf(after)];
  const removed = old.filter(({ name }) => !after.types.has(name));
  const added = fresh.filter(({ name }) => !before.types.has(name));
  const renamed = findRenamed(
    removed.map((type) => [type.name, signature(type, before)]),
    added.map((type) => [type.name, signature(type, after)]),
  );
  const comparer = new ShapeComparer(before.types, after.types);
  return [
    ...removed.map((type) => wholeType(type, "removed", uses.before, renamed)),
    ...added.map((type) => wholeType(type, "added", uses.after, renamed)),
    ...old.flatMap((type) => {
      const now = after.types.get(type.name);
      // A type that nothing uses any more travelled as it did before.
      const ways = uses.after.get(type.name) ?? uses.before.get(type.name) ?? [];
      return now ? compareType(type, now, ways, comparer) : [];
    }),
  ];
}

function typesOf(surface: ProtocolSurface): TypeDeclaration[] {
  return [...surface.types.values()].filter((type) => !isMessageUnion(type));
}

/** What a type is made of; empty for what is too small to be known by that. */
function signature({ shape }: TypeDeclaration, { types }: ProtocolSurface): string {
  const size = shape.kind === "object" ? shape.fields.length : 0;
  const members = shape.kind === "union" ? shape.members.length : 0;
  return size + members < 2 ? "" : fingerprint(shape, types);
}

function wholeType(
  { name, shape }: TypeDeclaration,
  what: "added" | "removed",
  uses: TypeUses,
  renamed: ReadonlyMap<string, string>,
): FoundChange<TypeChange> {
  const ways = uses.get(name) ?? [];
  const perhapsRenamed = renamed.get(name);
  const change: TypeChange = {
    kind: "type",
    id: `type ${name} ${what}`,
    what,
    breaking: what === "removed" && ways.length > 0,
    ...(perhapsRenamed !== undefined && { perhapsRenamed }),
    types: [],
    type: name,
    path: [],
    uses: ways,
    direction: directionOf(ways),
    text: shapeText(shape),
  };
  return { change, before: [], after: [] };
}

function compareType(
  before: TypeDeclaration,
  after: TypeDeclaration,
  uses: readonly Use[],
  comparer: ShapeComparer,
): FoundChange[] {
  const type = after.name;
  const direction = directionOf(uses);
  const inside = comparer.compare(before.shape, after.shape);
  if (inside !== "everything") {
    const renamed = renamedFields(inside);
    return inside.map((change) => {
      const breaking = isBreaking([change], direction);
      const common = { breaking, types: [], type, uses, direction };
      return change.kind === "field"
        ? fieldChange(change, common, renamed)
        : valueChange(change, common);
    });
  }
  const change: TypeChange = {
    kind: "type",
    id: `type ${type} changed`,
    what: "changed",
    breaking: isBreaking("everything", direction),
    types: [],
    type,
    path: [],
    uses,
    direction,
    text: shapeText(after.shape),
    before: shapeText(before.shape),
  };
  return [{ change, before: [...refsIn(before.shape)], after: [...refsIn(after.shape)] }];
}

type Common = Pick<FieldChange, "breaking" | "types" | "type" | "uses" | "direction">;

function fieldChange(
  difference: FieldDifference,
  common: Common,
  renamed: ReadonlyMap<FieldDifference, string>,
): FoundChange<FieldChange> {
  const { before, after, path } = difference;
  const field = after ?? before;
  if (!field) throw new Error(`A field of ${common.type} is in neither release.`);
  const what = !before ? "added" : !after ? "removed" : "changed";
  const place = placeOf({ type: common.type, path });
  const perhapsRenamed = renamed.get(difference);
  const change: FieldChange = {
    kind: "field",
    id: `field ${place}.${field.name} ${what}`,
    what,
    ...(perhapsRenamed !== undefined && { perhapsRenamed }),
    ...common,
    path,
    field: field.name,
    text: fieldText(field),
    deprecated: field.tags.includes("deprecated"),
    aspects: before && after ? aspectsOf(before, after, difference) : [],
  };
  return { change, before: refsOf(before?.type), after: refsOf(after?.type) };
}

function aspectsOf(before: Field, after: Field, { type }: FieldDifference): Aspect[] {
  return [
    ...(type ? [{ aspect: "type" as const, ...describeInside(type) }] : []),
    ...flagsOf(before, after).map((aspect) => ({ aspect })),
  ];
}

function valueChange(
  { path, what, valueKind, name, tag, shape, isForm }: Extract<ShapeChange, { kind: "value" }>,
  common: Common,
): FoundChange<ValueChange> {
  const text = shapeText(shape);
  const value = valueKind === "alternative" ? text : name;
  const change: ValueChange = {
    kind: "value",
    id: `value ${placeOf({ type: common.type, path })} ${value} ${what}`,
    what,
    ...common,
    path,
    value,
    valueKind,
    text,
    tag,
    isForm,
  };
  const refs = refsOf(shape);
  return {
    change,
    before: what === "removed" ? refs : [],
    after: what === "added" ? refs : [],
  };
}

/** Fields of one object of which one went and one came with the same type. */
function renamedFields(inside: readonly ShapeChange[]): ReadonlyMap<FieldDifference, string> {
  const fields = inside.filter((change) => change.kind === "field");
  const gone = fields.filter(({ after }) => !after);
  const fresh = fields.filter(({ before }) => !before);
  const text = (difference: FieldDifference): string => {
    const field = difference.after ?? difference.before;
    if (!field) return "";
    return `${pathText(difference.path)} ${fieldText({ ...field, name: "" })}`;
  };
  const key = (difference: FieldDifference): string =>
    `${pathText(difference.path)}.${(difference.after ?? difference.before)?.name ?? ""}`;
  const pairs = findRenamed(
    gone.map((each) => [key(each), text(each)]),
    fresh.map((each) => [key(each), text(each)]),
  );
  return new Map(
    fields.flatMap((each) => {
      const other = pairs.get(key(each));
      return other === undefined ? [] : [[each, other.slice(other.lastIndexOf(".") + 1)]];
    }),
  );
}

function directionOf(uses: readonly Use[]): Direction {
  const sent = uses.some(isSent);
  const received = uses.some((use) => !isSent(use));
  if (sent) return received ? "both" : "we send";
  return received ? "we receive" : "unused";
}

function refsOf(shape: TypeShape | undefined): string[] {
  return shape ? [...refsIn(shape)] : [];
}
