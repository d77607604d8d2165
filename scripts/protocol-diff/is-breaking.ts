import type {
  Comparison,
  FieldDifference,
  TypeDifference,
  ValueDifference,
} from "./compare-shapes.js";
import { isNullable } from "./compare-shapes.js";
import type { Direction } from "./protocol-changes.js";

/**
 * Whether a client may have to change for what is different in a type that travels so. What it sends may
 * not become narrower, and what it receives may not become wider; but a new value or kind of object that
 * the server sends is none, since this library passes on what it does not know.
 */
export function isBreaking(inside: Comparison, direction: Direction): boolean {
  if (direction === "unused") return false;
  if (inside === "everything") return true;
  return inside.some((change) =>
    change.kind === "field"
      ? isFieldBreaking(change, direction)
      : isValueBreaking(change, direction),
  );
}

export function isTypeBreaking(type: TypeDifference, direction: Direction): boolean {
  return isBreaking(type.inside, direction);
}

function isFieldBreaking(change: FieldDifference, direction: Direction): boolean {
  const { before, after, type } = change;
  const [sent, received] = [direction !== "we receive", direction !== "we send"];
  if (!after) return true;
  if (!before) return sent && !after.optional;
  const [wasNullable, nullable] = [isNullable(before.type), isNullable(after.type)];
  const isNarrower = (before.optional && !after.optional) || (wasNullable && !nullable);
  const isWider = (!before.optional && after.optional) || (!wasNullable && nullable);
  const isHidden = after.tags.includes("experimental") && !before.tags.includes("experimental");
  return (
    isHidden ||
    (sent && isNarrower) ||
    (received && isWider) ||
    (type !== undefined && isTypeBreaking(type, direction))
  );
}

function isValueBreaking(change: ValueDifference, direction: Direction): boolean {
  // What there was may now be something else: its readers know only the one form.
  const isAlternative = change.valueKind === "alternative" || change.isForm;
  if (change.what === "added") return isAlternative && direction !== "we send";
  return !isAlternative || direction !== "we receive";
}
