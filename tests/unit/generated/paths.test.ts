import { expect, test } from "@jest/globals";
import { requestPaths } from "../../../generated/paths.js";
import { methodIndex, protocolSchema } from "../../support/schemas.js";
import { Notes } from "../../../scripts/generate/notes.js";
import { notPaths, readPaths } from "../../../scripts/generate/paths.js";
import { renderPaths } from "../../../scripts/generate/render-methods.js";
import { tableOf } from "./type-tables.js";

const types = tableOf({
  AbsolutePathBuf: "string",
  LegacyAppPathString: "string",
  Params:
    "{ cwd?: string | null, cwds: Array<string>, roots: Array<Root>, sandbox: Sandbox | null, name: string, " +
    "profile: string, keyPath: string, logFile: string, byName: { [key in string]?: AbsolutePathBuf }, " +
    "self: Params | null }",
  Root: "{ path: AbsolutePathBuf, label: string }",
  Sandbox:
    '{ type: "a" } | { type: "b", writable: Array<AbsolutePathBuf>, where: LegacyAppPathString }',
  Plain: "{ threadId: string, path: number }",
});
const ref = (name: string) => ({ kind: "ref", name }) as const;
const paths = readPaths(
  [
    { method: "a", params: ref("Params") },
    { method: "b", params: ref("Plain") },
    { method: "c", params: { kind: "keyword", name: "undefined" } },
  ],
  types,
  new Notes(),
);

test("paths are found by their types, and plain strings by their names", () => {
  expect(Object.fromEntries(paths.get("a") ?? [])).toEqual({
    "byName.*": "absolute",
    cwd: "text",
    "cwds.*": "text",
    logFile: "text",
    "roots.*.path": "absolute",
    "sandbox.where": "absolute",
    "sandbox.writable.*": "absolute",
  });
  expect([...paths.keys()]).toEqual(["a"]);
});

test("they are written as a table", () => {
  expect(renderPaths(new Map([["a", new Map([["cwd", "text"]])]]))).toContain(
    '"a": {"cwd": "text"},',
  );
});

test("every field of a request that the protocol has a type for is in the table, or said to be no path", () => {
  const typed = Object.entries(methodIndex.clientRequests).flatMap(([method, { params }]) =>
    typeof params === "string" ? places(params).map((place) => [method, place] as const) : [],
  );
  expect(typed.length).toBeGreaterThan(10);
  const missing = typed.filter(
    ([method, place]) =>
      !Object.hasOwn(requestPaths[method as keyof typeof requestPaths] ?? {}, place) &&
      !Object.hasOwn(notPaths, place),
  );
  expect(missing).toEqual([]);
});

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** Where the schema of a type mentions a path. */
function places(name: string, within: readonly string[] = []): string[] {
  if (name === "AbsolutePathBuf") return [""];
  if (within.includes(name)) return [];
  const definition = (protocolSchema as { definitions: Record<string, Schema> }).definitions[name];
  const visit = (schema: Schema | undefined): string[] => {
    if (!schema) return [];
    const inner = schema.$ref?.replace(/^.*\//, "");
    return [
      ...(inner === undefined ? [] : places(inner, [...within, name])),
      ...visit(schema.items).map((place) => join("*", place)),
      ...(schema.anyOf ?? []).flatMap(visit),
      ...Object.entries(schema.properties ?? {}).flatMap(([field, type]) =>
        visit(type).map((place) => join(field, place)),
      ),
    ];
  };
  return [...new Set(visit(definition))];
}

function join(name: string, place: string): string {
  return place === "" ? name : `${name}.${place}`;
}
