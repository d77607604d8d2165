import { describe, expect, test } from "@jest/globals";
import { Notes } from "../../../scripts/generate/notes.js";
import { parseExport, readTypes } from "../../../scripts/generate/read-types.js";
import { shapeOf, tableOf } from "./type-tables.js";

describe("reading the binary's types", () => {
  test("types every 64-bit integer as number", () => {
    const types = tableOf({ Usage: "{ total: bigint, last: bigint | null, }" });
    expect(shapeOf(types, "Usage")).toBe(
      "export interface Usage { total: number; last: number | null; }",
    );
  });

  test("keeps only bare deprecation tags of upstream's comments", () => {
    const types = tableOf({
      Model:
        "{\n/**\n * Long story.\n * @deprecated Use another.\n */\nold: string,\n/** Tale. */\nid: string, }",
    });
    expect(shapeOf(types, "Model")).toBe(
      "export interface Model { /** @deprecated */ old: string; id: string; }",
    );
  });

  test("tags the types and fields that the stable export lacks as experimental", () => {
    const stable = { Start: "{ cwd: string, }" };
    const types = tableOf(
      { Start: "{ cwd: string, tools: Spec, }", Spec: "{ a: string }" },
      stable,
    );
    expect(shapeOf(types, "Start")).toBe(
      "export interface Start { cwd: string; /** @experimental */ tools: Spec; }",
    );
    expect(shapeOf(types, "Spec")).toBe(
      "/** @experimental */ export interface Spec { a: string; }",
    );
  });

  test("renames the root type of two namesakes, with every reference to it", () => {
    const files = new Map([
      ["Source", 'export type Source = "cli" | "mcp";'],
      ["v2/Source", 'export type Source = "cli" | "appServer";'],
      ["Old", 'import type { Source } from "./Source";\nexport type Old = { source: Source, };'],
      ["v2/New", 'import type { Source } from "./Source";\nexport type New = { source: Source, };'],
      ["v2/Mixed", 'import type { Source } from "../Source";\nexport type Mixed = Array<Source>;'],
    ]);
    const parsed = parseExport(files, new Notes());
    const types = readTypes(parsed, parsed, new Notes());
    expect([...types.keys()]).toEqual(["CoreSource", "Mixed", "New", "Old", "Source"]);
    expect(shapeOf(types, "Old")).toBe("export interface Old { source: CoreSource; }");
    expect(shapeOf(types, "New")).toBe("export interface New { source: Source; }");
    expect(shapeOf(types, "Mixed")).toBe("export type Mixed = CoreSource[];");
    expect(shapeOf(types, "Source")).toBe('export type Source = "cli" | "appServer";');
  });
});

describe("intersections", () => {
  test("become plain unions, the distinguishing field first", () => {
    const types = tableOf({
      Item: '{ at?: number | null, } & ({ id: string, "type": "a", } | { "type": "b" } & Sleep)',
      Sleep: "{ id: string, ms: number, }",
    });
    expect(shapeOf(types, "Item")).toBe(
      'export type Item = { type: "a"; at?: number | null; id: string; }' +
        ' | { type: "b"; at?: number | null; id: string; ms: number; };',
    );
  });

  test("require a field that one of them requires", () => {
    const types = tableOf({ Both: "{ a?: string, b?: number } & { a: string, b?: number }" });
    expect(shapeOf(types, "Both")).toBe("export interface Both { a: string; b?: number; }");
  });

  test("with a map become an index signature that covers the named fields", () => {
    const types = tableOf({ Apps: "{ first: string | null, } & ({ [key in string]?: boolean })" });
    expect(shapeOf(types, "Apps")).toBe(
      "export interface Apps { first: string | null; [key: string]: boolean | string | null; }",
    );
  });

  test("with a map of any JSON leave the other fields unknown", () => {
    const types = tableOf({
      JsonValue: "number | string | Array<JsonValue> | null",
      Config:
        "{ model: string, } & ({ [key in string]?: number | string | Array<JsonValue> | null })",
    });
    expect(shapeOf(types, "Config")).toBe(
      "export interface Config { model: string; [key: string]: unknown; }",
    );
  });
});
