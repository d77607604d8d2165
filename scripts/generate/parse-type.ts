import ts from "typescript";
import type { Notes } from "./notes.js";
import { sameShape, unknown } from "./type-shape.js";
import type { Field, KeywordName, ObjectShape, Tag, TypeShape } from "./type-shape.js";

/** An exported type as one upstream file declares it; references are keyed by the file they import. */
export interface ParsedType {
  readonly key: string;
  readonly shape: TypeShape;
}

/**
 * Reads one file of the binary's TypeScript export. `key` is its path without extension, such as
 * `"v2/Thread"`. What the generator has no picture for is `unknown`, with a note that names the place and
 * the syntax. Throws, naming the file, when it is no TypeScript at all.
 */
export function parseTypeFile(key: string, text: string, notes: Notes): ParsedType {
  const file = parse(key, text);
  const name = key.slice(key.lastIndexOf("/") + 1);
  const imports = new Map<string, string>();
  const found: ts.TypeAliasDeclaration[] = [];
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement)) readImport(key, statement, imports);
    else if (ts.isTypeAliasDeclaration(statement) && statement.name.text === name)
      found.push(statement);
    else
      notes.add(key, `a ${kindOf(statement)} beside the type is left out`, cannotRead(statement));
  }
  const [declaration, twin] = found;
  if (twin) throw new Error(`${key}.ts declares the type ${name} twice`);
  if (!declaration) {
    notes.add(key, "is unknown", `${key}.ts does not declare the type ${name}`);
    return { key, shape: unknown };
  }
  const scope: Scope = { key, name, place: [name], imports, notes };
  if (declaration.typeParameters) return { key, shape: leaveOpen(declaration, scope) };
  return { key, shape: readType(declaration.type, scope) };
}

/**
 * Reads a type that is written as an expression, such as `{ id: string }`. It may refer to the types in
 * `known`, by their names.
 */
export function parseTypeExpression(
  name: string,
  text: string,
  { known, notes }: { known: Iterable<string>; notes: Notes },
): TypeShape {
  const [statement] = parse(name, `type Expression = ${text};`).statements;
  if (!statement || !ts.isTypeAliasDeclaration(statement))
    throw new Error(`${name} is no type: ${text.slice(0, 120)}`);
  const imports = new Map([...known].map((each) => [each, each]));
  return readType(statement.type, { key: name, name, place: [name], imports, notes });
}

interface Scope {
  readonly key: string;
  readonly name: string;
  /** The type and the fields inside it that lead to what is read. */
  readonly place: readonly string[];
  readonly imports: ReadonlyMap<string, string>;
  readonly notes: Notes;
}

const keywords = new Map<ts.SyntaxKind, KeywordName>([
  [ts.SyntaxKind.BooleanKeyword, "boolean"],
  [ts.SyntaxKind.NumberKeyword, "number"],
  // JSON has no bigint: JSON.parse gives a number, and JSON.stringify throws on a bigint.
  [ts.SyntaxKind.BigIntKeyword, "number"],
  [ts.SyntaxKind.StringKeyword, "string"],
  [ts.SyntaxKind.UndefinedKeyword, "undefined"],
  [ts.SyntaxKind.UnknownKeyword, "unknown"],
]);

/**
 * What the parser has found wrong. TypeScript does not declare the field, but every other way to these errors
 * makes a program for each file, which took 18 of the 24 seconds that a comparison of two releases took.
 */
function syntaxErrors(file: ts.SourceFile): readonly ts.Diagnostic[] {
  const { parseDiagnostics } = file as { parseDiagnostics?: readonly ts.Diagnostic[] };
  if (parseDiagnostics) return parseDiagnostics;
  throw new Error(`TypeScript ${ts.version} does not tell the errors of its parser`);
}

function parse(key: string, text: string): ts.SourceFile {
  const file = ts.createSourceFile(`${key}.ts`, text, ts.ScriptTarget.Latest, true);
  const [error] = syntaxErrors(file);
  if (error) {
    const message = ts.flattenDiagnosticMessageText(error.messageText, " ");
    throw new Error(`${key}.ts is no TypeScript: ${message}`);
  }
  return file;
}

function readType(node: ts.TypeNode, scope: Scope): TypeShape {
  const read = (child: ts.TypeNode): TypeShape => readType(child, scope);
  const keyword = keywords.get(node.kind);
  if (keyword) return { kind: "keyword", name: keyword };
  // Upstream's spelling of an enum without members.
  if (node.kind === ts.SyntaxKind.NeverKeyword) return { kind: "union", members: [] };
  if (ts.isParenthesizedTypeNode(node)) return read(node.type);
  if (ts.isUnionTypeNode(node)) return { kind: "union", members: node.types.map(read) };
  if (ts.isIntersectionTypeNode(node))
    return { kind: "intersection", members: node.types.map(read) };
  if (ts.isArrayTypeNode(node)) return { kind: "array", element: read(node.elementType) };
  if (ts.isLiteralTypeNode(node)) return readLiteral(node, scope);
  if (ts.isTypeLiteralNode(node)) return readObject(node, scope);
  if (ts.isTypeReferenceNode(node)) return readReference(node, scope);
  if (ts.isMappedTypeNode(node)) return readMap(node, scope);
  return leaveOpen(node, scope);
}

function readLiteral(node: ts.LiteralTypeNode, scope: Scope): TypeShape {
  const { literal } = node;
  if (literal.kind === ts.SyntaxKind.NullKeyword) return { kind: "keyword", name: "null" };
  if (literal.kind === ts.SyntaxKind.TrueKeyword) return { kind: "literal", value: true };
  if (literal.kind === ts.SyntaxKind.FalseKeyword) return { kind: "literal", value: false };
  if (ts.isStringLiteral(literal)) return { kind: "literal", value: literal.text };
  if (ts.isNumericLiteral(literal)) return { kind: "literal", value: Number(literal.text) };
  return leaveOpen(node, scope);
}

function readObject(node: ts.TypeLiteralNode, scope: Scope): TypeShape {
  const fields: Field[] = [];
  let rest: TypeShape | undefined;
  for (const member of node.members) {
    const name = nameOf(member);
    const inner = { ...scope, place: [...scope.place, name ?? "*"] };
    if (ts.isPropertySignature(member) && name !== undefined) {
      if (fields.some((field) => field.name === name))
        throw new Error(`${scope.key}.ts declares the field ${inner.place.join(".")} twice`);
      const type = member.type ? readType(member.type, inner) : leaveOpen(member, inner);
      const optional = member.questionToken !== undefined;
      fields.push({ name, optional, type, tags: readTags(member) });
    } else if (ts.isIndexSignatureDeclaration(member) && isStringKey(member.parameters[0]?.type)) {
      rest = readType(member.type, inner);
    } else if (name === undefined) {
      rest = leaveOpen(member, inner);
    } else {
      fields.push({ name, optional: true, type: leaveOpen(member, inner), tags: [] });
    }
  }
  // TypeScript wants an index signature to cover the named fields.
  if (rest && fields.some(({ type }) => sameShape(type, unknown))) rest = unknown;
  if (rest && fields.length === 0) return { kind: "map", value: rest };
  const object: ObjectShape = { kind: "object", fields };
  return rest ? { ...object, rest } : object;
}

function readReference(node: ts.TypeReferenceNode, scope: Scope): TypeShape {
  if (!ts.isIdentifier(node.typeName)) return leaveOpen(node, scope);
  const name = node.typeName.text;
  const [first, second, ...more] = node.typeArguments ?? [];
  if (name === "Array" && first && !second) {
    return { kind: "array", element: readType(first, scope) };
  }
  // `Record<string, never>` is upstream's spelling of an object without fields.
  if (name === "Record" && isStringKey(first) && second && more.length === 0) {
    if (second.kind === ts.SyntaxKind.NeverKeyword) return { kind: "object", fields: [] };
    return { kind: "map", value: readType(second, scope) };
  }
  const key = name === scope.name ? scope.key : scope.imports.get(name);
  if (key === undefined || first) return leaveOpen(node, scope);
  return { kind: "ref", name: key };
}

function readMap(node: ts.MappedTypeNode, scope: Scope): TypeShape {
  if (!isStringKey(node.typeParameter.constraint) || !node.type || node.nameType)
    return leaveOpen(node, scope);
  return { kind: "map", value: readType(node.type, scope) };
}

function nameOf(member: ts.TypeElement): string | undefined {
  const { name } = member;
  return name && (ts.isIdentifier(name) || ts.isStringLiteral(name) || ts.isNumericLiteral(name))
    ? name.text
    : undefined;
}

function readTags(member: ts.PropertySignature): Tag[] {
  return ts.getJSDocDeprecatedTag(member) ? ["deprecated"] : [];
}

/** Of an import that is spelled in another way nothing is known, and so each use of it has a note. */
function readImport(key: string, node: ts.ImportDeclaration, imports: Map<string, string>): void {
  const names = node.importClause?.namedBindings;
  if (!names || !ts.isNamedImports(names) || !ts.isStringLiteral(node.moduleSpecifier)) return;
  const [first = "", ...parts] = node.moduleSpecifier.text.replace(/\.[jt]s$/, "").split("/");
  if (first !== "." && first !== "..") return;
  const folder = key.split("/").slice(0, -1);
  for (const part of [first, ...parts]) {
    if (part === "..") folder.pop();
    else if (part !== ".") folder.push(part);
  }
  for (const { name, propertyName } of names.elements) {
    // One file is one type; another that it may declare has no place in the table.
    if ((propertyName ?? name).text === folder.at(-1)) imports.set(name.text, folder.join("/"));
  }
}

function isStringKey(node: ts.TypeNode | undefined): boolean {
  return node?.kind === ts.SyntaxKind.StringKeyword;
}

function leaveOpen(node: ts.Node, { place, notes }: Scope): TypeShape {
  notes.add(place.join("."), `a ${kindOf(node)} in it is unknown`, cannotRead(node));
  return unknown;
}

function kindOf(node: ts.Node): string {
  return ts.SyntaxKind[node.kind];
}

function cannotRead(node: ts.Node): string {
  return `the generator cannot read ${node.getText().replace(/\s+/g, " ").slice(0, 80)}`;
}
