import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";

const root = path.join(import.meta.dirname, "../..");

/** One import or re-export of a source file. */
export interface SourceImport {
  /** The importing file, from the project's root: `lib/jsonrpc/reader.ts`. */
  readonly from: string;
  /** What is imported: a file in the same form, or a package as it is written. */
  readonly to: string;
  /** The specifier as it is written. */
  readonly written: string;
  /** Whether it is gone after the compilation. */
  readonly typeOnly: boolean;
}

/** The TypeScript sources in a folder of the project, from its root. */
export function sourceFiles(folder: string): string[] {
  const entries = readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" });
  return entries
    .filter((name) => name.endsWith(".ts"))
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, "/")))
    .sort();
}

const parsed = new Map<string, ts.SourceFile>();

export function parseSource(file: string): ts.SourceFile {
  const known = parsed.get(file);
  if (known) return known;
  const text = readFileSync(path.join(root, file), "utf8");
  const options = {
    languageVersion: ts.ScriptTarget.ESNext,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  };
  const source = ts.createSourceFile(file, text, options, true);
  parsed.set(file, source);
  return source;
}

/** Everything that a file imports, dynamic imports and types in place included. */
export function importsOf(file: string): SourceImport[] {
  const imports: SourceImport[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return;
    const written = specifier.text;
    const to = written.startsWith(".")
      ? path.posix.join(path.posix.dirname(file), written).replace(/\.js$/, ".ts")
      : written;
    imports.push({ from: file, to, written, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, isTypeExport(node));
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(parseSource(file));
  return imports;
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = importClause;
  if (name || !namedBindings || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.every((element) => element.isTypeOnly);
}

function isTypeExport({ isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
  if (isTypeOnly || !exportClause || !ts.isNamedExports(exportClause)) return isTypeOnly;
  return exportClause.elements.every((element) => element.isTypeOnly);
}
