import {
  isNullable,
  type FieldDifference,
  type ShapeChange,
  type TypeDifference,
} from "./compare-shapes.js";
import type { Field, Tag } from "../generate/type-shape.js";
import { pathText, type Aspect } from "./protocol-changes.js";
import { shapeText } from "./shape-text.js";

/** One type in the place of another, in words. */
export function describeInside({ before, after, inside }: TypeDifference): {
  readonly before: string;
  readonly after: string;
  readonly sameShape: boolean;
  readonly differences: readonly string[];
} {
  const changes = inside === "everything" ? [] : inside;
  return {
    before: shapeText(before),
    after: shapeText(after),
    sameShape: inside !== "everything" && inside.length === 0,
    differences: changes.map(describe),
  };
}

function describe(change: ShapeChange): string {
  const within = pathText(change.path).replace(/^\./, "");
  if (change.kind === "value") {
    const name = change.name === "" ? shapeText(change.shape) : change.name;
    return `${within === "" ? "" : `${within}: `}${name} ${change.what}`;
  }
  const name = change.after?.name ?? change.before?.name ?? "";
  return `${within === "" ? "" : `${within}.`}${name} ${describeField(change)}`;
}

function describeField({ before, after, type }: FieldDifference): string {
  if (!before || !after) return before ? "removed" : "added";
  return [
    ...(type ? [`changed from ${shapeText(type.before)} to ${shapeText(type.after)}`] : []),
    ...flagsOf(before, after),
  ].join(", ");
}

type Flag = Exclude<Aspect["aspect"], "params" | "result" | "type">;

/** What is different about a field besides its type. */
export function flagsOf(before: Field, after: Field): Flag[] {
  const has = ({ tags }: Field, tag: Tag): boolean => tags.includes(tag);
  const changed = (was: boolean, is: boolean, [now, no]: [Flag, Flag]): Flag[] =>
    was === is ? [] : [is ? now : no];
  const ofTag = (tag: Tag, words: [Flag, Flag]): Flag[] =>
    changed(has(before, tag), has(after, tag), words);
  return [
    ...changed(before.optional, after.optional, ["optional", "required"]),
    ...changed(isNullable(before.type), isNullable(after.type), ["nullable", "never null"]),
    ...ofTag("deprecated", ["deprecated", "no longer deprecated"]),
    ...ofTag("experimental", ["experimental", "stable"]),
  ];
}
