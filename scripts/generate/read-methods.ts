import { Notes } from "./notes.js";
import { noteSharedResults, noteStaleOverrides, resultTypeOf } from "./result-types.js";
import { resolveShape, unionOf } from "./type-shape.js";
import type { Field, ObjectShape, TypeShape, TypeTable } from "./type-shape.js";

export interface MethodEntry {
  readonly method: string;
  readonly params: TypeShape;
  readonly experimental: boolean;
  /** Of a method that the export does not have any more: the last release that has it. */
  readonly lastRelease?: string;
}

export interface RequestEntry extends MethodEntry {
  /** The name of the type that answers the request; undefined where the export names none. */
  readonly result: string | undefined;
}

export interface ProtocolMethods {
  readonly clientRequests: readonly RequestEntry[];
  readonly clientNotifications: readonly MethodEntry[];
  readonly serverRequests: readonly RequestEntry[];
  readonly serverNotifications: readonly MethodEntry[];
}

/**
 * The methods of the four unions that the binary exports, sorted by name; those that the stable
 * export does not have are experimental. A request without a result type has an unknown result, with a
 * note. Throws when a union is missing, and when it names a method twice.
 */
export function readMethods(
  types: TypeTable,
  stableTypes: TypeTable,
  notes: Notes,
): ProtocolMethods {
  const read = (name: string): MethodEntry[] => {
    const stable = new Set(readUnion(name, stableTypes, new Notes()).map((entry) => entry.method));
    return readUnion(name, types, notes).map((entry) => ({
      ...entry,
      experimental: !stable.has(entry.method),
    }));
  };
  const withResult = (entry: MethodEntry): RequestEntry => ({
    ...entry,
    result: resultTypeOf(entry, types, notes),
  });
  const clientRequests = read("ClientRequest").map(withResult);
  const serverRequests = read("ServerRequest").map(withResult);
  const requests = [...clientRequests, ...serverRequests];
  noteSharedResults(requests, notes);
  noteStaleOverrides(requests, notes);
  noteUnusedResults(types, requests, notes);
  return {
    clientRequests,
    clientNotifications: read("ClientNotification"),
    serverRequests,
    serverNotifications: read("ServerNotification"),
  };
}

type NamedParams = Omit<MethodEntry, "experimental">;

function readUnion(name: string, types: TypeTable, notes: Notes): NamedParams[] {
  if (!types.has(name)) throw new Error(`The export has no type ${name}`);
  const entries = membersOf({ kind: "ref", name }, types).flatMap((member) =>
    readMember(name, member, types, notes),
  );
  entries.sort((one, other) => (one.method < other.method ? -1 : 1));
  const twin = entries.find((entry, index) => entry.method === entries[index + 1]?.method);
  if (twin) throw new Error(`${name} lists the method ${twin.method} twice`);
  return entries;
}

/** One entry for each name that the member may have. */
function readMember(
  union: string,
  member: TypeShape,
  types: TypeTable,
  notes: Notes,
): NamedParams[] {
  const leaveOut = (what: string): NamedParams[] => {
    notes.add(union, `${what} is left out`, "the generator finds no method name in it");
    return [];
  };
  if (member.kind !== "object") return leaveOut(`a member that is ${member.kind}`);
  const fields = member.fields.map((field) => field.name);
  const method = fieldOf(member, "method");
  if (!method) return leaveOut(`the member with ${fields.join(", ")}`);
  const params = paramsOf(fieldOf(member, "params"));
  return membersOf(method.type, types).flatMap((literal) => {
    if (literal.kind !== "literal" || typeof literal.value !== "string")
      return leaveOut(`the member with ${fields.join(", ")}`);
    const unread = fields.filter((field) => !["id", "method", "params"].includes(field));
    if (unread.length > 0)
      notes.add(literal.value, `${unread.join(", ")} is not read`, "only params are");
    return [{ method: literal.value, params }];
  });
}

/** What a value may be, one by one, through names. */
function membersOf(shape: TypeShape, types: TypeTable): readonly TypeShape[] {
  const target = resolveShape(shape, types);
  return target.kind === "union"
    ? target.members.flatMap((member) => membersOf(member, types))
    : [target];
}

function paramsOf(field: Field | undefined): TypeShape {
  const none: TypeShape = { kind: "keyword", name: "undefined" };
  if (!field) return none;
  return field.optional ? unionOf([field.type, none]) : field.type;
}

function fieldOf(shape: ObjectShape, name: string): Field | undefined {
  return shape.fields.find((field) => field.name === name);
}

/** A response nobody returns belongs to a method that was left without one, or to none any more. */
function noteUnusedResults(
  types: TypeTable,
  requests: readonly RequestEntry[],
  notes: Notes,
): void {
  const used = new Set(requests.map((request) => request.result));
  const unused = [...types.keys()].filter((name) => name.endsWith("Response") && !used.has(name));
  for (const name of unused)
    notes.add(name, "stands for itself", "no method is known to return it");
}
