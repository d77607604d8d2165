import { posix } from "node:path";
import ts from "typescript";
import type { Declarations } from "./declarations.js";

/** A declaration of the project, and where it is. */
export interface Declared {
  readonly file: string;
  /** The name where it is declared; `*` for a whole file. */
  readonly name: string;
  readonly key: string;
  readonly generated: boolean;
}

/** Finds declarations by their names, across files. It reads; nothing is type-checked. */
export class DeclarationFiles {
  readonly #files = new Map<string, ts.SourceFile>();
  readonly #printer = ts.createPrinter({ removeComments: true });

  constructor(declarations: Declarations) {
    for (const [file, text] of declarations) {
      this.#files.set(file, ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
    }
  }

  /** What a file exports, by the names that it gives. */
  exportsOf(file: string): Map<string, Declared> {
    const exported = new Map<string, Declared>();
    const add = (name: string, declared: Declared | undefined): void => {
      if (!declared) throw new Error(`${file} exports ${name}, which is declared nowhere`);
      exported.set(name, declared);
    };
    for (const statement of this.#parsed(file).statements) {
      if (ts.isExportDeclaration(statement)) {
        const from = sourceOf(file, statement.moduleSpecifier) ?? file;
        const { exportClause } = statement;
        if (!exportClause) for (const [name, declared] of this.exportsOf(from)) add(name, declared);
        else if (ts.isNamespaceExport(exportClause)) add(exportClause.name.text, at(from, "*"));
        else {
          for (const { name, propertyName } of exportClause.elements) {
            add(name.text, this.#find(from, (propertyName ?? name).text));
          }
        }
      } else if (isExported(statement)) {
        for (const name of namesOf(statement)) add(name, at(file, name));
      }
    }
    return exported;
  }

  /** The declarations of the project that a declaration mentions, itself left out. */
  mentionedBy({ file, name, key }: Declared): Declared[] {
    const found = new Map<string, Declared>();
    const add = (from: string | undefined, mentioned: string): void => {
      const declared = from === undefined ? undefined : this.#find(from, mentioned);
      if (declared && declared.key !== key) found.set(declared.key, declared);
    };
    const visit = (node: ts.Node): void => {
      if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
        const [first] = (node.qualifier?.getText() ?? "").split(".");
        if (first) add(sourceOf(file, node.argument.literal), first);
      }
      // A member's own name is no mention.
      const label = ts.isIdentifier(node) && "name" in node.parent && node.parent.name === node;
      if (ts.isIdentifier(node) && !label) add(file, node.text);
      ts.forEachChild(node, visit);
    };
    for (const statement of this.#statements(file, name)) visit(statement);
    return [...found.values()];
  }

  /** A declaration as it is written, without comments and private members. */
  textOf({ file, name }: Declared): string {
    const statements = this.#statements(file, name);
    const text = statements.map((statement) =>
      this.#printer.printNode(ts.EmitHint.Unspecified, statement, this.#parsed(file)),
    );
    return text.join("\n").replace(/^\s*#private;\n/gm, "");
  }

  /** Where a name of a file is declared, through imports and re-exports. */
  #find(file: string, name: string): Declared | undefined {
    const parsed = this.#files.get(file);
    if (!parsed) return undefined;
    for (const statement of parsed.statements) {
      if (namesOf(statement).includes(name)) return at(file, name);
      const imported = importOf(statement, name);
      const from = imported && sourceOf(file, imported.module);
      if (from !== undefined) return this.#find(from, imported?.name ?? name);
    }
    return undefined;
  }

  #statements(file: string, name: string): ts.Statement[] {
    return this.#parsed(file).statements.filter((one) => namesOf(one).includes(name));
  }

  #parsed(file: string): ts.SourceFile {
    const parsed = this.#files.get(file);
    if (!parsed) throw new Error(`There is no declaration file of ${file}`);
    return parsed;
  }
}

function at(file: string, name: string): Declared {
  return { file, name, key: `${file}#${name}`, generated: file.startsWith("generated/") };
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const named =
    ts.isClassDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement);
  return named && statement.name ? [statement.name.text] : [];
}

function isExported(statement: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
  return modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
}

/** What an import or re-export calls `name`, and from where, when the statement is one that does. */
function importOf(
  statement: ts.Statement,
  name: string,
): { name: string; module: ts.Expression | undefined } | undefined {
  const bindings = ts.isImportDeclaration(statement)
    ? statement.importClause?.namedBindings
    : ts.isExportDeclaration(statement)
      ? statement.exportClause
      : undefined;
  if (!bindings || ts.isNamespaceImport(bindings) || ts.isNamespaceExport(bindings))
    return undefined;
  const specifiers: readonly ts.ImportOrExportSpecifier[] = [...bindings.elements];
  const found = specifiers.find((specifier) => specifier.name.text === name);
  const { moduleSpecifier: module } = statement as ts.ImportDeclaration | ts.ExportDeclaration;
  return found && { name: (found.propertyName ?? found.name).text, module };
}

/** The file of the project behind a specifier; nothing for a package. */
function sourceOf(file: string, specifier: ts.Node | undefined): string | undefined {
  if (!specifier || !ts.isStringLiteral(specifier) || !specifier.text.startsWith(".")) {
    return undefined;
  }
  return posix.join(posix.dirname(file), specifier.text).replace(/\.js$/, ".ts");
}
