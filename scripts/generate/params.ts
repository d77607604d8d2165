import type { Notes } from "./notes.js";
import type { MethodEntry, ProtocolMethods } from "./read-methods.js";
import { typeCase } from "./result-types.js";
import type { TypeDeclaration, TypeShape, TypeTable } from "./type-shape.js";

/**
 * The one type that a method's params have; undefined for a method without params, and for params that are
 * no single named type. `isOptional`: they may be null or missing.
 */
export function namedParams(params: TypeShape): {
  readonly type: string | undefined;
  readonly isOptional: boolean;
} {
  const members = params.kind === "union" ? params.members : [params];
  const [type, ...more] = members.filter((member) => !isAbsent(member));
  const name = type?.kind === "ref" && more.length === 0 ? type.name : undefined;
  return { type: name, isOptional: members.some(isAbsent) };
}

/**
 * Gives params that upstream writes without a name, or that nobody can read, a type of their own, so that
 * schemas, keys and signatures can refer to them.
 */
export function nameParams(
  methods: ProtocolMethods,
  types: TypeTable,
  notes: Notes,
): { readonly methods: ProtocolMethods; readonly types: TypeTable } {
  const named = new Map<string, TypeDeclaration>(types);
  const give = <Entry extends MethodEntry>(entries: readonly Entry[], suffix: string): Entry[] =>
    entries.map((entry) => {
      const { method, params, experimental } = entry;
      const members = params.kind === "union" ? params.members : [params];
      const present = members.filter((member) => !isAbsent(member));
      const [first] = present;
      if (!first || namedParams(params).type !== undefined) return entry;
      let name = `Protocol${typeCase(method)}${suffix}`.replace(/^Protocol(?=[A-Z])/, "");
      while (named.has(name)) name = `${name}_`;
      const shape: TypeShape = present.length > 1 ? { kind: "union", members: present } : first;
      named.set(name, { name, shape, tags: experimental ? ["experimental"] : [] });
      notes.add(method, `its params are named ${name}`, "the export has no single type for them");
      const absent = members.filter(isAbsent);
      const ref: TypeShape = { kind: "ref", name };
      return {
        ...entry,
        params: absent.length === 0 ? ref : { kind: "union", members: [ref, ...absent] },
      };
    });
  const all: ProtocolMethods = {
    clientRequests: give(methods.clientRequests, "Params"),
    clientNotifications: give(methods.clientNotifications, "Notification"),
    serverRequests: give(methods.serverRequests, "Params"),
    serverNotifications: give(methods.serverNotifications, "Notification"),
  };
  const sorted = [...named].sort(([one], [other]) => (one < other ? -1 : 1));
  return { methods: all, types: new Map(sorted) };
}

function isAbsent(shape: TypeShape): boolean {
  return shape.kind === "keyword" && (shape.name === "null" || shape.name === "undefined");
}
