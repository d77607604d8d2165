import { resultTypeOf } from "./result-types.js";
import { unionOf } from "./type-shape.js";
import type { Field, ObjectShape, TypeShape, TypeTable } from "./type-shape.js";

export interface MethodEntry {
  readonly method: string;
  readonly params: TypeShape;
  readonly experimental: boolean;
}

export interface RequestEntry extends MethodEntry {
  /** The name of the type that answers the request. */
  readonly result: string;
}

export interface ProtocolMethods {
  readonly clientRequests: readonly RequestEntry[];
  readonly clientNotifications: readonly MethodEntry[];
  readonly serverRequests: readonly RequestEntry[];
  readonly serverNotifications: readonly MethodEntry[];
}

/**
 * The methods of the four unions that the binary exports, sorted by name; those that the stable
 * export does not have are experimental. Throws, naming the method, for a request without a result
 * type, and for a result type that no request uses.
 */
export function readMethods(types: TypeTable, stableTypes: TypeTable): ProtocolMethods {
  const read = (name: string): MethodEntry[] => {
    const stable = new Set(readUnion(name, stableTypes).map((entry) => entry.method));
    return readUnion(name, types).map((entry) => ({
      ...entry,
      experimental: !stable.has(entry.method),
    }));
  };
  const withResult = (entry: MethodEntry): RequestEntry => ({
    ...entry,
    result: resultTypeOf(entry, types),
  });
  const clientRequests = read("ClientRequest").map(withResult);
  const serverRequests = read("ServerRequest").map(withResult);
  refuseUnusedResults(types, [...clientRequests, ...serverRequests]);
  return {
    clientRequests,
    clientNotifications: read("ClientNotification"),
    serverRequests,
    serverNotifications: read("ServerNotification"),
  };
}

function readUnion(name: string, types: TypeTable): Omit<MethodEntry, "experimental">[] {
  const type = types.get(name);
  if (!type) throw new Error(`The export has no type ${name}`);
  const arms = type.shape.kind === "union" ? type.shape.members : [type.shape];
  const entries = arms.map((arm) => {
    const method = arm.kind === "object" ? fieldOf(arm, "method")?.type : undefined;
    if (arm.kind !== "object" || method?.kind !== "literal" || typeof method.value !== "string") {
      throw new Error(`A member of ${name} has no method name`);
    }
    return { method: method.value, params: paramsOf(fieldOf(arm, "params")) };
  });
  entries.sort((one, other) => (one.method < other.method ? -1 : 1));
  const twin = entries.find((entry, index) => entry.method === entries[index + 1]?.method);
  if (twin) throw new Error(`${name} lists the method ${twin.method} twice`);
  return entries;
}

function paramsOf(field: Field | undefined): TypeShape {
  const none: TypeShape = { kind: "keyword", name: "undefined" };
  if (!field) return none;
  return field.optional ? unionOf([field.type, none]) : field.type;
}

function fieldOf(shape: ObjectShape, name: string): Field | undefined {
  return shape.fields.find((field) => field.name === name);
}

/** A response nobody returns is a mapping gone wrong: some method got another one's result. */
function refuseUnusedResults(types: TypeTable, requests: readonly RequestEntry[]): void {
  const used = new Set(requests.map((request) => request.result));
  const unused = [...types.keys()].filter((name) => name.endsWith("Response") && !used.has(name));
  if (unused.length > 0) throw new Error(`No method returns ${unused.join(", ")}`);
}
