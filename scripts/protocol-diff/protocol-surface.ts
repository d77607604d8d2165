import type { MessageKind } from "../coverage/protocol.js";
import { refsIn } from "../generate/type-shape.js";
import type { TypeDeclaration, TypeShape, TypeTable } from "../generate/type-shape.js";

/** All that one release's protocol consists of. */
export interface ProtocolSurface {
  /** Of the release, such as `"0.171.0"`. */
  readonly version: string;
  /** In the order of their kinds and names. */
  readonly methods: readonly SurfaceMethod[];
  /** Every named type, with the fields that may be missing where the server takes that. */
  readonly types: TypeTable;
  /** What could not be read, a line each; it is not compared. */
  readonly notes: readonly string[];
}

export interface SurfaceMethod {
  readonly kind: MessageKind;
  readonly method: string;
  readonly params: TypeShape;
  /** What answers it; undefined for a notification, and `unknown` where the export does not say. */
  readonly result: TypeShape | undefined;
  readonly experimental: boolean;
}

/**
 * Whether a type only lists methods, as `ClientRequest` does: as a type it says nothing that the methods
 * do not say.
 */
export function isMessageUnion({ shape }: TypeDeclaration): boolean {
  const members = shape.kind === "union" ? shape.members : [shape];
  return members.every(
    (member) =>
      member.kind === "object" &&
      member.fields.some(({ name, type }) => name === "method" && type.kind === "literal"),
  );
}

/** One way that a type travels. */
export interface Use {
  readonly kind: MessageKind;
  readonly method: string;
  readonly in: "params" | "result";
}

/** Whether it is the client that sends what travels so. */
export function isSent(use: Use): boolean {
  const ours = use.kind === "clientRequests" || use.kind === "clientNotifications";
  return ours === (use.in === "params");
}

/** What a method mentions: its params and its result. */
export function shapesOf(
  method: SurfaceMethod,
): readonly (readonly ["params" | "result", TypeShape])[] {
  return [
    ["params", method.params],
    ...(method.result ? [["result", method.result] as const] : []),
  ];
}

/** For every type the ways that it travels, the nearest ones first: a method that names it, then others. */
export function readUses(surface: ProtocolSurface): ReadonlyMap<string, readonly Use[]> {
  const uses = new Map<string, Map<string, { use: Use; distance: number }>>();
  for (const method of surface.methods) {
    for (const [part, shape] of shapesOf(method)) {
      const use: Use = { kind: method.kind, method: method.method, in: part };
      const key = `${use.kind} ${use.method} ${use.in}`;
      for (const [name, distance] of distances(refsIn(shape), surface.types)) {
        const known = uses.get(name) ?? new Map<string, { use: Use; distance: number }>();
        uses.set(name, known.set(key, { use, distance }));
      }
    }
  }
  const sorted = [...uses].map(([name, found]) => {
    const list = [...found].sort(
      ([one, a], [other, b]) => a.distance - b.distance || (one < other ? -1 : 1),
    );
    return [name, list.map(([, { use }]) => use)] as const;
  });
  return new Map(sorted);
}

/** Every type that is reached from some, and through how many others. */
function distances(roots: Iterable<string>, types: TypeTable): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let open = [...roots];
  for (let distance = 0; open.length > 0; distance += 1) {
    const next: string[] = [];
    for (const name of open) {
      const type = types.get(name);
      if (!type || found.has(name)) continue;
      found.set(name, distance);
      next.push(...refsIn(type.shape));
    }
    open = next;
  }
  return found;
}
