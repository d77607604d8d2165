import { expect, test } from "@jest/globals";
import path from "node:path";
import ts from "typescript";
import { DeclarationFiles } from "../../../scripts/api/declaration-files.js";
import type { Declarations } from "../../../scripts/api/declarations.js";
import { readEntryPoints } from "../../../scripts/api/entry-points.js";
import { hiddenBehind } from "../../../scripts/api/report.js";
import { readDeclarations } from "../../../scripts/build/declarations.js";

const dist = path.resolve(import.meta.dirname, "../../../dist");

/** What `npm run build` has written, by the source of each file. */
async function builtDeclarations(sources: readonly string[]): Promise<Declarations> {
  const entries = sources.map((source) => path.join(dist, source.replace(/\.ts$/, ".d.ts")));
  const texts = [...(await readDeclarations(entries))].map(([file, text]) => {
    const source = path.relative(dist, file).replaceAll(path.sep, "/");
    return [source.replace(/\.d\.ts$/, ".ts"), text] as const;
  });
  return new Map(texts);
}

test("every type that a public signature mentions can be imported", async () => {
  const sources = (await readEntryPoints(".")).map(({ source }) => source);
  const files = new DeclarationFiles(await builtDeclarations(sources));
  const exported = new Set(
    sources.flatMap((source) => [...files.exportsOf(source).values()].map(({ key }) => key)),
  );
  const hidden = sources
    .flatMap((source) => hiddenBehind(files, source))
    .filter((each) => !exported.has(each.key) && isType(files.textOf(each)));
  expect(exported.size).toBeGreaterThan(100);
  expect(hidden.map(({ key }) => key)).toEqual([]);
});

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
