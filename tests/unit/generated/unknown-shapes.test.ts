import { describe, expect, test } from "@jest/globals";
import { Notes } from "../../../scripts/generate/notes.js";
import { parseTypeFile } from "../../../scripts/generate/parse-type.js";
import { nameTypes, parseExport, readTypes } from "../../../scripts/generate/read-types.js";
import { renderShape } from "../../../scripts/generate/render-types.js";
import { linesOf, shapeOf, tableOf } from "./type-tables.js";

/** The type `Thing` of one file as it would be written, with the lines of what was noted. */
function thing(text: string): { readonly shape: string; readonly lines: string[] } {
  const notes = new Notes();
  const { shape } = parseTypeFile("v2/Thing", text, notes);
  return { shape: renderShape(shape).replace(/\s+/g, " "), lines: linesOf(notes) };
}

describe("what the generator cannot read", () => {
  test.each([
    ["a tuple", "{ id: string, pair: [string, number] }", "{ id: string; pair: unknown; }", "pair"],
    ["a template literal", "{ tag: `v${number}` }", "{ tag: unknown; }", "tag"],
    ["an unknown helper", "{ part: Partial<string> }", "{ part: unknown; }", "part"],
    ["a type that is not imported", "{ other: Other }", "{ other: unknown; }", "other"],
    ["a generic reference", "{ page: Page<string> }", "{ page: unknown; }", "page"],
    ["a qualified name", "{ deep: A.B }", "{ deep: unknown; }", "deep"],
    ["a method", "{ run(): void }", "{ run?: unknown; }", "run"],
    ["a function", "{ run: () => void }", "{ run: unknown; }", "run"],
    ["a bare field", "{ run }", "{ run: unknown; }", "run"],
    ["a condition", "{ a: string extends number ? 1 : 2 }", "{ a: unknown; }", "a"],
    ["any", "{ a: any }", "{ a: unknown; }", "a"],
    ["object", "{ a: object }", "{ a: unknown; }", "a"],
    ["a negative number", "{ a: -1 }", "{ a: unknown; }", "a"],
    [
      "a computed field",
      "{ a: string, [Symbol.iterator]: string }",
      "{ a: string; [key: string]: unknown; }",
      "*",
    ],
    [
      "an index of numbers",
      "{ a: string, [key: number]: string }",
      "{ a: string; [key: string]: unknown; }",
      "*",
    ],
    ["a map of an enum", "{ a: { [key in Kind]?: string } }", "{ a: unknown; }", "a"],
    ["a Record of an enum", "{ a: Record<Kind, string> }", "{ a: unknown; }", "a"],
    ["an element of a list", "{ a: Array<[string]> }", "{ a: unknown[]; }", "a"],
    ["one of several", "{ a: string | [string] | null }", "{ a: unknown; }", "a"],
  ])("%s is unknown where it stands, and nothing around it is", (_, source, shape, field) => {
    const read = thing(`export type Thing = ${source};`);
    expect(read.shape).toBe(shape);
    expect(read.lines).toEqual([
      expect.stringMatching(
        new RegExp(
          String.raw`^Thing\.${field.replace("*", "\\*")}: a \w+ in it is unknown, since the generator cannot read `,
        ),
      ),
    ]);
  });

  test("a type that is no alias, or generic, is unknown as a whole", () => {
    for (const text of [
      "export const Thing = 1;",
      "export enum Thing { A, B }",
      "export interface Thing { a: string }",
      "export type Thing<T> = { value: T };",
      "export type Other = string;",
      "",
    ]) {
      const { shape, lines } = thing(text);
      expect(shape).toBe("unknown");
      expect(lines.join()).toMatch(/unknown/);
    }
  });

  test("what stands beside the type is left out, and the type is read", () => {
    const { shape, lines } = thing(
      "export const version = 1;\nexport enum Kind { A }\nexport type Thing = { id: string };",
    );
    expect(shape).toBe("{ id: string; }");
    expect(lines).toEqual([
      "v2/Thing: a EnumDeclaration beside the type is left out, since the generator cannot read export enum Kind { A }",
      expect.stringContaining(
        "beside the type is left out, since the generator cannot read export const version",
      ),
    ]);
  });

  test("an import by which no single type can be meant gives none", () => {
    const text =
      'import Base from "./Base";\nimport * as all from "./All";\nimport type { Two } from "./One";\n' +
      'import type { Pack } from "package";\nimport type { Real as Alias } from "./Real.js";\n' +
      "export type Thing = { a: Base, b: all, c: Two, d: Pack, e: Alias };";
    const { shape, lines } = thing(text);
    expect(shape).toBe("{ a: unknown; b: unknown; c: unknown; d: unknown; e: v2/Real; }");
    expect(lines).toHaveLength(4);
  });

  test("a reference to a type that was not exported is unknown", () => {
    const text =
      'import type { Gone } from "./Gone";\nexport type Thing = { gone: Gone, id: string };';
    const notes = new Notes();
    const parsed = parseExport(new Map([["Thing", text]]), notes);
    expect(shapeOf(readTypes(parsed, parsed, notes), "Thing")).toBe(
      "export interface Thing { gone: unknown; id: string; }",
    );
    expect(linesOf(notes)).toEqual([
      "Thing: Gone in it is unknown, since the export does not hold that type",
    ]);
  });

  test("an enum without members is never, and needs no note", () => {
    expect(thing("export type Thing = never;")).toEqual({ shape: "never", lines: [] });
  });

  test("what is no TypeScript fails, naming the file", () => {
    const notes = new Notes();
    expect(() => parseTypeFile("v2/Thing", "export type Thing = { id: string", notes)).toThrow(
      "v2/Thing.ts is no TypeScript: '}' expected.",
    );
    expect(() => parseTypeFile("v2/Thing", "<!doctype html>", notes)).toThrow(
      "v2/Thing.ts is no TypeScript",
    );
  });

  test("a type or a field that is declared twice fails", () => {
    const notes = new Notes();
    const twice = "export type Thing = string;\nexport type Thing = number;";
    expect(() => parseTypeFile("v2/Thing", twice, notes)).toThrow("declares the type Thing twice");
    const field = "export type Thing = { a: string, a: number };";
    expect(() => parseTypeFile("v2/Thing", field, notes)).toThrow("the field Thing.a twice");
  });
});

describe("types that contain themselves", () => {
  test("in a field, a list or a map are read as they are", () => {
    const notes = new Notes();
    const types = tableOf(
      {
        Tree: "{ children: Array<Tree>, parent: Tree | null }",
        List: "Array<List>",
        Dict: "{ [key in string]?: Dict }",
      },
      undefined,
      notes,
    );
    expect(shapeOf(types, "Tree")).toBe(
      "export interface Tree { children: Tree[]; parent: Tree | null; }",
    );
    expect(shapeOf(types, "List")).toBe("export type List = List[];");
    expect(shapeOf(types, "Dict")).toBe("export type Dict = { [key: string]: Dict };");
    expect(linesOf(notes)).toEqual([]);
  });

  test.each([
    ["an alias of itself", { A: "A" }],
    ["a union with itself", { A: "string | A" }],
    ["an intersection with itself", { A: "{ id: string } & A" }],
    ["two aliases of each other", { A: "B | string", B: "A | null" }],
  ])("%s is unknown", (_, sources: Record<string, string>) => {
    const notes = new Notes();
    const types = tableOf(sources, undefined, notes);
    expect(shapeOf(types, "A")).toBe("export type A = unknown;");
    expect(linesOf(notes)).toEqual(["A: is unknown, since it is declared as itself"]);
  });
});

describe("intersections", () => {
  test("of two different fields of one name leave that field unknown", () => {
    const notes = new Notes();
    const types = tableOf({ Odd: "{ id: string, a: 1 } & { id: number }" }, undefined, notes);
    expect(shapeOf(types, "Odd")).toBe("export interface Odd { a: 1; id: unknown; }");
    expect(linesOf(notes)).toEqual([
      "Odd.id: is unknown, since two different fields of that name meet in an intersection",
    ]);
  });

  test("with something that is no object are unknown", () => {
    const notes = new Notes();
    const types = tableOf({ Odd: "{ brand: { id: string } & string, ok: 1 }" }, undefined, notes);
    expect(shapeOf(types, "Odd")).toBe("export interface Odd { brand: unknown; ok: 1; }");
    expect(linesOf(notes)).toEqual([
      "Odd: an intersection in it is unknown, since the generator cannot intersect with string",
    ]);
  });

  test("with something unknown keep the fields that are known", () => {
    const types = tableOf({ Odd: "{ id: string } & Pick<string, 'a'>" });
    expect(shapeOf(types, "Odd")).toBe(
      "export interface Odd { id: string; [key: string]: unknown; }",
    );
  });
});

test("a type whose name the generated files use, or that is no name, gets another", () => {
  const notes = new Notes();
  const keys = [
    "v2/Promise",
    "v2/some-thing",
    "lower",
    "v2/2fa",
    "Fine",
    "Rpc",
    "v2/ClientRequests",
  ];
  expect(Object.fromEntries(nameTypes(keys, notes))).toEqual({
    Fine: "Fine",
    Rpc: "ProtocolRpc",
    "v2/ClientRequests": "ProtocolClientRequests",
    lower: "Protocollower",
    "v2/2fa": "Protocol2fa",
    "v2/Promise": "ProtocolPromise",
    "v2/some-thing": "Protocolsome_thing",
  });
  expect(linesOf(notes)).toHaveLength(6);
});

test("of namesakes in several folders, one keeps the name", () => {
  const notes = new Notes();
  const keys = ["Value", "v3/Value", "v2/Value", "CoreValue", "v3/Other", "x/v2/Other", "V3Value"];
  const names = nameTypes(keys, notes);
  expect(Object.fromEntries(names)).toEqual({
    CoreValue: "CoreValue",
    Value: "CoreValue_",
    V3Value: "V3Value",
    "v2/Value": "Value",
    "v3/Value": "V3Value_",
    "v3/Other": "Other",
    "x/v2/Other": "XV2Other",
  });
});
