import ts from "typescript";
import type { AffectedProgram } from "./affected-program.js";
import type { Step } from "./protocol-changes.js";

/** A part of a type, without its own name. */
interface Place {
  readonly type: string;
  readonly path: readonly Step[];
}

/** Whether the field `name` of a value of this type is that of the protocol's type at `place`. */
export function ownsField(
  type: ts.Type,
  name: string,
  place: Place,
  program: AffectedProgram,
): boolean {
  return constituents(type, program.checker).some((each) => {
    // Through mapped types, such as Partial, a field keeps its declaration.
    const declared = program.checker.getPropertyOfType(each, name)?.declarations ?? [];
    // The field may be newer, or older, than the generated types: then only its object tells.
    const objects = (each.symbol as ts.Symbol | undefined)?.declarations ?? [];
    return [...declared.map((node) => node.parent), ...objects].some((object) =>
      isObjectAt(object, place, program),
    );
  });
}

/** Whether a declaration of an object in generated/types.ts stands at the place. */
function isObjectAt(object: ts.Node, place: Place, program: AffectedProgram): boolean {
  if (!program.isProtocolType(object)) return false;
  const fields: string[] = [];
  let node = object;
  while (!ts.isTypeAliasDeclaration(node) && !ts.isInterfaceDeclaration(node)) {
    if (ts.isPropertySignature(node)) fields.unshift(node.name.getText().replace(/^"|"$/g, ""));
    if (ts.isSourceFile(node)) return false;
    node = node.parent;
  }
  if (node.name.text !== place.type) return false;
  const wanted = place.path.flatMap((step) =>
    "field" in step && !step.field.startsWith("[") ? [step.field] : [],
  );
  if (fields.join("/") !== wanted.join("/")) return false;
  const last = place.path.findLast((step) => !("element" in step));
  return !last || !("variants" in last) || isVariant(object, last.variants);
}

/** Whether an object says of itself that it is one of these, or has such a field only. */
function isVariant(object: ts.Node, variants: readonly string[]): boolean {
  if (!ts.isTypeLiteralNode(object) && !ts.isInterfaceDeclaration(object)) return false;
  return object.members.some((member) => {
    if (!ts.isPropertySignature(member)) return false;
    const { type, name } = member;
    if (type && ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal)) {
      return variants.includes(type.literal.text);
    }
    return object.members.length === 1 && variants.includes(name.getText());
  });
}

export function constituents(type: ts.Type, checker: ts.TypeChecker): readonly ts.Type[] {
  const base = checker.getBaseConstraintOfType(type) ?? type;
  if (!base.isUnionOrIntersection()) return [base];
  return base.types.flatMap((each) => constituents(each, checker));
}

/** The texts that a type consists of; empty where it is a text of any kind. */
export function literalsOf(type: ts.Type | undefined, checker: ts.TypeChecker): Set<string> {
  if (!type) return new Set();
  return new Set(
    constituents(type, checker).flatMap((each) => (each.isStringLiteral() ? [each.value] : [])),
  );
}
