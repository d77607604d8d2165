import { expect, test } from "@jest/globals";
import ts from "typescript";
import { DeclarationFiles } from "../../../scripts/api/declaration-files.js";
import { emitDeclarations } from "../../../scripts/api/declarations.js";
import { readEntryPoints } from "../../../scripts/api/entry-points.js";
import { hiddenBehind } from "../../../scripts/api/report.js";

// Reading all of the sources as the build does takes its time.
const timeoutMs = 300_000;

test(
  "every type that a public signature mentions can be imported",
  async () => {
    const files = new DeclarationFiles(emitDeclarations("."));
    const sources = (await readEntryPoints(".")).map(({ source }) => source);
    const exported = new Set(
      sources.flatMap((source) => [...files.exportsOf(source).values()].map(({ key }) => key)),
    );
    const hidden = sources
      .flatMap((source) => hiddenBehind(files, source))
      .filter((each) => !exported.has(each.key) && isType(files.textOf(each)));
    expect(exported.size).toBeGreaterThan(100);
    expect(hidden.map(({ key }) => key)).toEqual([]);
  },
  timeoutMs,
);

test("what is no type need not be imported, and a class is one", () => {
  expect(isType("export declare function text(): void;")).toBe(false);
  expect(isType("declare const brand: unique symbol;")).toBe(false);
  expect(isType("declare class Hidden {}")).toBe(true);
  expect(isType("interface Hidden {}")).toBe(true);
  expect(isType("type Hidden = 1;")).toBe(true);
});

/** Of a function or a value that is mentioned as `typeof text`, the type can be written without its name. */
function isType(declaration: string): boolean {
  const file = ts.createSourceFile("it.ts", declaration, ts.ScriptTarget.Latest);
  return file.statements.some(
    (statement) =>
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isEnumDeclaration(statement),
  );
}
