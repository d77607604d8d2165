import { refsIn, sameShape, unknown } from "../generate/type-shape.js";
import type { TypeShape } from "../generate/type-shape.js";
import { ShapeComparer, type TypeDifference } from "./compare-shapes.js";
import { describeInside } from "./describe-inside.js";
import { isTypeBreaking } from "./is-breaking.js";
import type { Aspect, MethodChange } from "./protocol-changes.js";
import { isSent, shapesOf, type ProtocolSurface, type SurfaceMethod } from "./protocol-surface.js";
import { findRenamed } from "./find-renamed.js";
import { fingerprint, isWrittenAlike, shapeText } from "./shape-text.js";
import type { FoundChange } from "./fold-types.js";

/** What is different about the methods themselves; their types are compared apart. */
export function compareMethods(
  before: ProtocolSurface,
  after: ProtocolSurface,
): FoundChange<MethodChange>[] {
  const [old, fresh] = [byKey(before), byKey(after)];
  const removed = [...old].filter(([key]) => !fresh.has(key));
  const added = [...fresh].filter(([key]) => !old.has(key));
  const renamed = findRenamed(
    removed.map(([key, method]) => [key, signature(method, before)]),
    added.map(([key, method]) => [key, signature(method, after)]),
  );
  const nameOf = (key: string | undefined): string | undefined =>
    key === undefined ? undefined : (old.get(key) ?? fresh.get(key))?.method;
  const comparer = new ShapeComparer(before.types, after.types);
  return [
    ...removed.map(([key, method]) => ({
      change: changeOf(method, "removed", nameOf(renamed.get(key))),
      before: refsOf(method),
      after: [],
    })),
    ...added.map(([key, method]) => ({
      change: changeOf(method, "added", nameOf(renamed.get(key))),
      before: [],
      after: refsOf(method),
    })),
    ...[...old].flatMap(([key, method]) => {
      const now = fresh.get(key);
      return now ? compareMethod(method, now, comparer) : [];
    }),
  ];
}

function byKey(surface: ProtocolSurface): ReadonlyMap<string, SurfaceMethod> {
  return new Map(surface.methods.map((each) => [`${each.kind} ${each.method}`, each]));
}

function refsOf(method: SurfaceMethod): string[] {
  return shapesOf(method).flatMap(([, shape]) => [...refsIn(shape)]);
}

/** Methods of one kind with the same text take and give the same; empty for those that do neither. */
function signature(method: SurfaceMethod, { types }: ProtocolSurface): string {
  const parts = shapesOf(method).map(([, shape]) => fingerprint(shape, types));
  return parts.some((part) => part.includes(":")) ? `${method.kind} ${parts.join(" ")}` : "";
}

function changeOf(
  method: SurfaceMethod,
  what: "added" | "removed" | "changed",
  perhapsRenamed?: string,
): MethodChange {
  const { kind, experimental, params, result } = method;
  return {
    kind: "method",
    id: `${kind} ${method.method} ${what}`,
    what,
    breaking: what === "removed",
    ...(perhapsRenamed !== undefined && { perhapsRenamed }),
    types: [],
    messageKind: kind,
    method: method.method,
    experimental,
    params: shapeText(params),
    result: result && shapeText(result),
    aspects: [],
  };
}

function compareMethod(
  before: SurfaceMethod,
  after: SurfaceMethod,
  comparer: ShapeComparer,
): FoundChange<MethodChange>[] {
  const aspects: Aspect[] = [];
  let breaking = false;
  const compareWith = (part: "params" | "result", old: TypeShape, fresh: TypeShape): void => {
    if (isWrittenAlike(old, fresh)) return;
    const type: TypeDifference = {
      before: old,
      after: fresh,
      inside: comparer.compareResolved(old, fresh),
    };
    const sent = isSent({ kind: after.kind, method: after.method, in: part });
    const wasKnown = sent || !sameShape(old, unknown);
    breaking ||= wasKnown && isTypeBreaking(type, sent ? "we send" : "we receive");
    aspects.push({ aspect: part, ...describeInside(type) });
  };
  compareWith("params", before.params, after.params);
  if (before.result && after.result) compareWith("result", before.result, after.result);
  if (before.experimental !== after.experimental) {
    aspects.push({ aspect: after.experimental ? "experimental" : "stable" });
    breaking ||= after.experimental;
  }
  if (aspects.length === 0) return [];
  const change = { ...changeOf(after, "changed"), breaking, aspects };
  return [{ change, before: refsOf(before), after: refsOf(after) }];
}
