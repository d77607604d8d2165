import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import type { AnySchemaObject, ErrorObject, ValidateFunction } from "ajv";

/** One method of the generated index: the names of its types in the protocol schema. */
export interface IndexedMethod {
  readonly params: string | null;
  readonly paramsOptional?: boolean;
  /** `null` where nobody knows what the server answers. */
  readonly result?: string | null;
  readonly experimental: boolean;
  /** Of a method that only older servers have. */
  readonly lastRelease?: string;
}

export type MethodIndex = Readonly<Record<MethodKind, Readonly<Record<string, IndexedMethod>>>>;
export type MethodKind =
  "clientNotifications" | "clientRequests" | "serverNotifications" | "serverRequests";

export const protocolSchema = readGenerated("protocol.json") as {
  readonly definitions: Readonly<Record<string, AnySchemaObject>>;
};
export const methodIndex = readGenerated("methods.json") as MethodIndex;

/** What is wrong with the params of a server notification; empty when nothing is. */
export function validateNotification(method: string, params: unknown): string[] {
  return validateParams("serverNotifications", method, params);
}

/** What is wrong with the params of a client request; empty when nothing is. */
export function validateClientRequest(method: string, params: unknown): string[] {
  return validateParams("clientRequests", method, params);
}

/** What is wrong with the server's result of a client request; empty when nothing is. */
export function validateResult(method: string, result: unknown): string[] {
  return validateResultOf("clientRequests", method, result);
}

/** What is wrong with the params of a request that the server sends; empty when nothing is. */
export function validateServerRequest(method: string, params: unknown): string[] {
  return validateParams("serverRequests", method, params);
}

/** What is wrong with the answer to a request that the server sent; empty when nothing is. */
export function validateServerRequestResult(method: string, result: unknown): string[] {
  return validateResultOf("serverRequests", method, result);
}

/** Whether a value is of the named type of the protocol. */
export function isOfType(name: string, value: unknown): boolean {
  return validatorAt(`/definitions/${name}`)(value);
}

/** What keeps a value from being of the named type of the protocol; empty when nothing does. */
export function validateType(name: string, value: unknown): string[] {
  const known = name in protocolSchema.definitions;
  return known ? explain(`/definitions/${name}`, value, "") : [`there is no type ${name}`];
}

function validateParams(kind: MethodKind, method: string, params: unknown): string[] {
  const entry = methodIndex[kind][method];
  if (!entry) return [`there is no method ${method} in ${kind}`];
  const absent = params === undefined || params === null;
  if (entry.params !== null) {
    return absent && entry.paramsOptional ? [] : validateType(entry.params, params);
  }
  // The server takes an empty object for nothing.
  const empty = absent || JSON.stringify(params) === "{}";
  return empty ? [] : [`${method} has no params`];
}

function validateResultOf(kind: MethodKind, method: string, result: unknown): string[] {
  const type = methodIndex[kind][method]?.result;
  if (type === null) return [];
  return type ? validateType(type, result) : [`there is no method ${method} in ${kind}`];
}

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  // Such as ["null", "string"]: what the generator writes for `string | null`.
  allowUnionTypes: true,
  // The whole schema is validated once, below, instead of each part that is used.
  validateSchema: false,
  // To make the code of a type faster takes longer than to run it as often as a test does.
  code: { optimize: false },
});
ajv.addSchema(protocolSchema, "protocol", true);

/** The problems of a value with the part of the protocol schema at a JSON pointer. */
function explain(pointer: string, value: unknown, path: string): string[] {
  const validate = validatorAt(pointer);
  if (validate(value)) return [];
  return outermost(validate.errors ?? []).flatMap((error) => {
    const where = `${path}${error.instancePath}`;
    if (error.keyword !== "anyOf") return [`${where || "value"} ${describe(error)}`];
    return explainAlternatives(error, where);
  });
}

function validatorAt(pointer: string): ValidateFunction {
  const validate = ajv.getSchema(`protocol#${pointer}`);
  if (!validate) throw new Error(`The protocol schema has nothing at ${pointer}`);
  return validate;
}

/** A failed alternative also lists why each of its members failed; those come before it. */
function outermost(errors: readonly ErrorObject[]): ErrorObject[] {
  const kept: ErrorObject[] = [];
  for (const error of [...errors].reverse()) {
    const covered = kept.some(
      (other) => other.keyword === "anyOf" && error.instancePath.startsWith(other.instancePath),
    );
    if (!covered) kept.unshift(error);
  }
  return kept;
}

/** The problems of the alternative that the value most probably means to be. */
function explainAlternatives(error: ErrorObject, path: string): string[] {
  const alternatives = error.schema as readonly unknown[];
  const pointer = alternativesPointers().get(alternatives);
  if (pointer === undefined) throw new Error("An anyOf that the protocol schema does not hold");
  const meant = alternatives
    .map((_, index) => explain(`${pointer}/${index}`, error.data, path))
    .filter((problems) => !problems.some((problem) => problem.includes(mismatch)))
    .sort((one, other) => one.length - other.length)[0];
  return meant ?? [`${path || "value"} is none of the ${alternatives.length} alternatives`];
}

/** Where in the protocol schema each list of alternatives stands; an error knows only the list. */
function alternativesPointers(): ReadonlyMap<unknown, string> {
  if (!pointers) {
    pointers = new Map();
    const open: [unknown, string][] = [[protocolSchema, ""]];
    for (let next = open.pop(); next; next = open.pop()) {
      const [value, pointer] = next;
      if (typeof value !== "object" || value === null) continue;
      pointers.set(value, pointer);
      for (const [key, inner] of Object.entries(value)) open.push([inner, `${pointer}/${key}`]);
    }
  }
  return pointers;
}

let pointers: Map<unknown, string> | undefined;

const mismatch = "must be equal to constant";

function describe(error: ErrorObject): string {
  const message = error.message ?? error.keyword;
  if (error.keyword === "const") return `${mismatch} ${JSON.stringify(error.schema)}`;
  if (error.keyword === "enum") return `${message}: ${JSON.stringify(error.schema)}`;
  return message;
}

function readGenerated(name: string): unknown {
  const file = new URL(`../../generated/schemas/${name}`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8"));
}
