import ts from "typescript";
import type { AffectedProgram } from "./affected-program.js";
import type { MethodChange, ProtocolChange, ValueChange } from "./protocol-changes.js";
import { literalsOf } from "./protocol-owner.js";
import type { ChangeIndex } from "./scan-file.js";

/** Puts changes in order by the words that they are found by. */
export function indexChanges(
  changes: readonly ProtocolChange[],
  program: AffectedProgram,
): ChangeIndex {
  const methods = changes.filter((change) => change.kind === "method");
  const values = changes.filter((change) => change.kind === "value");
  const parts = changes.filter((change) => change.kind !== "method");
  const isRequest = ({ messageKind }: MethodChange): boolean => messageKind === "clientRequests";
  return {
    methods: groupBy(methods, ({ method }) => method),
    calls: groupBy(methods.filter(isRequest), ({ method }) => method.split("/").at(-1) ?? ""),
    fields: groupBy(
      changes.filter((change) => change.kind === "field"),
      ({ field }) => field,
    ),
    values: groupBy(values, textOf),
    types: groupBy(parts, ({ type }) => type),
    kept: keptValues(values, program),
  };
}

/** A literal is written as JSON. */
function textOf({ valueKind, value }: ValueChange): string {
  if (valueKind !== "literal") return value;
  const literal: unknown = JSON.parse(value);
  return typeof literal === "string" ? literal : value;
}

/**
 * What an enumeration consists of besides its changed values, as the generated types have it: a text is a
 * value of it where all of these could stand as well.
 */
function keptValues(
  values: readonly ValueChange[],
  program: AffectedProgram,
): ReadonlyMap<string, readonly string[]> {
  const literals = values.filter(({ valueKind }) => valueKind === "literal");
  if (literals.length === 0) return new Map();
  const generated = program.generatedTypes();
  return new Map(
    literals.map((change) => {
      const symbol = generated.get(change.type);
      const type = symbol && program.checker.getDeclaredTypeOfSymbol(symbol);
      const changed = literals
        .filter((other) => other.type === change.type)
        .map((other) => textOf(other));
      const inside = valuesAt(type, change, program);
      return [change.id, [...inside].filter((value) => !changed.includes(value))];
    }),
  );
}

function valuesAt(
  type: ts.Type | undefined,
  { path }: ValueChange,
  { checker }: AffectedProgram,
): Set<string> {
  let current = type;
  for (const step of path) {
    if (!current) break;
    if ("element" in step) current = checker.getIndexTypeOfType(current, ts.IndexKind.Number);
    else if ("field" in step) {
      const field = checker.getPropertyOfType(checker.getNonNullableType(current), step.field);
      current = field && checker.getTypeOfSymbol(field);
    }
  }
  return literalsOf(current, checker);
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}
