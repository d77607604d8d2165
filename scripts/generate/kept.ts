import { readFile, writeFile } from "node:fs/promises";
import type { Notes } from "./notes.js";
import { parseTypeExpression } from "./parse-type.js";
import type { MethodEntry, ProtocolMethods } from "./read-methods.js";
import { unionOf } from "./type-shape.js";
import type { Tag, TypeDeclaration, TypeShape, TypeTable } from "./type-shape.js";

export type MethodKind = keyof ProtocolMethods;

/** A method that the pinned release does not have any more and that a supported older one has. */
export interface KeptMethod {
  readonly kind: MethodKind;
  readonly method: string;
  /** The last release that was pinned here and had it. */
  readonly lastRelease: string;
  readonly experimental: boolean;
  /** Its params as a type, `undefined` for none. */
  readonly params: string;
  /** The name of the type of its result; null where nobody knows it, absent for a notification. */
  readonly result?: string | null;
  /** The types that only it needs, by their names. */
  readonly types: Readonly<Record<string, string>>;
}

/** The types of which each message is a member. */
const unions: Readonly<Record<MethodKind, string>> = {
  clientRequests: "ClientRequest",
  clientNotifications: "ClientNotification",
  serverRequests: "ServerRequest",
  serverNotifications: "ServerNotification",
};

const comment =
  "Methods that the pinned release does not have any more. npm run generate adds to it; take out what no supported release has.";

export async function readKept(file: string): Promise<readonly KeptMethod[]> {
  const { methods } = JSON.parse(await readFile(file, "utf8")) as {
    methods: readonly KeptMethod[];
  };
  return methods;
}

export async function writeKept(file: string, methods: readonly KeptMethod[]): Promise<void> {
  await writeFile(file, `${JSON.stringify({ $comment: comment, methods }, null, 2)}\n`);
}

/**
 * The protocol with the methods that are kept, marked with their last release, and their types. One that the
 * export has again is its own, with a note.
 */
export function addKept(
  kept: readonly KeptMethod[],
  methods: ProtocolMethods,
  { types, notes }: { types: TypeTable; notes: Notes },
): { readonly methods: ProtocolMethods; readonly types: TypeTable } {
  const missing = kept.filter(({ kind, method }) => {
    const isBack = methods[kind].some((entry) => entry.method === method);
    if (isBack) notes.add(method, "need not be kept", "the export has it again");
    return !isBack;
  });
  const all = new Map<string, TypeDeclaration>(types);
  const known = new Set([...types.keys(), ...missing.flatMap((each) => Object.keys(each.types))]);
  const read = (name: string, text: string): TypeShape =>
    parseTypeExpression(name, text, { known, notes });
  for (const { types: own, experimental } of missing) {
    const tags: readonly Tag[] = experimental ? ["experimental"] : [];
    for (const [name, text] of Object.entries(own)) {
      if (!all.has(name)) all.set(name, { name, shape: read(name, text), tags });
    }
  }
  for (const { kind, method, params } of missing) {
    const union = all.get(unions[kind]);
    if (!union) continue;
    const member = read(method, memberText(kind, method, params));
    all.set(union.name, { ...union, shape: unionOf([union.shape, member]) });
  }
  const resultOf = (method: string, result: string | null): string | undefined => {
    if (result === null || all.has(result)) return result ?? undefined;
    notes.add(method, "its result is unknown", `nothing declares ${result} any more`);
    return undefined;
  };
  const merge = <Entry extends MethodEntry>(kind: MethodKind): Entry[] => {
    const own = missing.filter((each) => each.kind === kind);
    const entries = own.map(({ method, params, result, experimental, lastRelease }) => ({
      method,
      params: read(method, params),
      experimental,
      lastRelease,
      ...(result !== undefined && { result: resultOf(method, result) }),
    }));
    const merged = [...(methods[kind] as readonly MethodEntry[]), ...entries] as Entry[];
    return merged.sort((one, other) => (one.method < other.method ? -1 : 1));
  };
  return {
    methods: {
      clientRequests: merge("clientRequests"),
      clientNotifications: merge("clientNotifications"),
      serverRequests: merge("serverRequests"),
      serverNotifications: merge("serverNotifications"),
    },
    types: new Map([...all].sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

function memberText(kind: MethodKind, method: string, params: string): string {
  const id = kind.endsWith("Requests") ? "id: RequestId, " : "";
  return `{ method: ${JSON.stringify(method)}, ${id}params: ${params} }`;
}
