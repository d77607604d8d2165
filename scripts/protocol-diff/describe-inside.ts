import {
  isNullable,
  type FieldDifference,
  type ShapeChange,
  type TypeDifference,
} from "./compare-shapes.js";
import { pathText } from "./protocol-changes.js";
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

function flagsOf(
  before: NonNullable<FieldDifference["before"]>,
  after: NonNullable<FieldDifference["after"]>,
): string[] {
  const was = (tag: "deprecated" | "experimental") => before.tags.includes(tag);
  const is = (tag: "deprecated" | "experimental") => after.tags.includes(tag);
  return [
    before.optional === after.optional ? [] : [after.optional ? "optional" : "required"],
    isNullable(before.type) === isNullable(after.type)
      ? []
      : [isNullable(after.type) ? "nullable" : "never null"],
    was("deprecated") === is("deprecated")
      ? []
      : [is("deprecated") ? "deprecated" : "no longer deprecated"],
    was("experimental") === is("experimental")
      ? []
      : [is("experimental") ? "experimental" : "stable"],
  ].flat();
}
