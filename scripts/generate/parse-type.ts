import ts from "typescript";
import type { Field, KeywordName, Tag, TypeShape } from "./type-shape.js";

/** An exported type as one upstream file declares it; references are keyed by the file they import. */
export interface ParsedType {
  readonly key: string;
  readonly shape: TypeShape;
}

/**
 * Reads one file of the binary's TypeScript export. `key` is its path without extension, such as
 * `"v2/Thread"`. Throws on anything that the generator has no picture for, naming file and syntax,
 * so that a new kind of declaration is never dropped silently.
 */
export function parseTypeFile(key: string, text: string): ParsedType {
  const file = ts.createSourceFile(`${key}.ts`, text, ts.ScriptTarget.Latest, true);
  const imports = new Map<string, string>();
  let declaration: ts.TypeAliasDeclaration | undefined;
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement)) {
      readImport(key, statement, imports);
    } else if (ts.isTypeAliasDeclaration(statement) && !statement.typeParameters && !declaration) {
      declaration = statement;
    } else {
      throw unsupported(key, statement);
    }
  }
  const name = key.slice(key.lastIndexOf("/") + 1);
  if (declaration?.name.text !== name)
    throw new Error(`${key}.ts does not declare the type ${name}`);
  return { key, shape: readType(declaration.type, { key, name, imports }) };
}

interface Scope {
  readonly key: string;
  readonly name: string;
  readonly imports: ReadonlyMap<string, string>;
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

function readType(node: ts.TypeNode, scope: Scope): TypeShape {
  const read = (child: ts.TypeNode): TypeShape => readType(child, scope);
  const keyword = keywords.get(node.kind);
  if (keyword) return { kind: "keyword", name: keyword };
  if (ts.isParenthesizedTypeNode(node)) return read(node.type);
  if (ts.isUnionTypeNode(node)) return { kind: "union", members: node.types.map(read) };
  if (ts.isIntersectionTypeNode(node))
    return { kind: "intersection", members: node.types.map(read) };
  if (ts.isArrayTypeNode(node)) return { kind: "array", element: read(node.elementType) };
  if (ts.isLiteralTypeNode(node)) return readLiteral(node, scope);
  if (ts.isTypeLiteralNode(node)) return readObject(node, scope);
  if (ts.isTypeReferenceNode(node)) return readReference(node, scope);
  if (ts.isMappedTypeNode(node)) return readMap(node, scope);
  throw unsupported(scope.key, node);
}

function readLiteral(node: ts.LiteralTypeNode, scope: Scope): TypeShape {
  const { literal } = node;
  if (literal.kind === ts.SyntaxKind.NullKeyword) return { kind: "keyword", name: "null" };
  if (literal.kind === ts.SyntaxKind.TrueKeyword) return { kind: "literal", value: true };
  if (literal.kind === ts.SyntaxKind.FalseKeyword) return { kind: "literal", value: false };
  if (ts.isStringLiteral(literal)) return { kind: "literal", value: literal.text };
  if (ts.isNumericLiteral(literal)) return { kind: "literal", value: Number(literal.text) };
  throw unsupported(scope.key, node);
}

function readObject(node: ts.TypeLiteralNode, scope: Scope): TypeShape {
  const fields: Field[] = [];
  let rest: TypeShape | undefined;
  for (const member of node.members) {
    if (ts.isPropertySignature(member) && member.type && !ts.isComputedPropertyName(member.name)) {
      fields.push({
        name: member.name.text,
        optional: member.questionToken !== undefined,
        type: readType(member.type, scope),
        tags: readTags(member),
      });
    } else if (ts.isIndexSignatureDeclaration(member) && isStringKey(member.parameters[0]?.type)) {
      rest = readType(member.type, scope);
    } else {
      throw unsupported(scope.key, member);
    }
  }
  if (rest && fields.length === 0) return { kind: "map", value: rest };
  return { kind: "object", fields, ...(rest && { rest }) };
}

function readReference(node: ts.TypeReferenceNode, scope: Scope): TypeShape {
  if (!ts.isIdentifier(node.typeName)) throw unsupported(scope.key, node);
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
  if (!key || first) throw unsupported(scope.key, node);
  return { kind: "ref", name: key };
}

function readMap(node: ts.MappedTypeNode, scope: Scope): TypeShape {
  if (!isStringKey(node.typeParameter.constraint) || !node.type) throw unsupported(scope.key, node);
  return { kind: "map", value: readType(node.type, scope) };
}

function readTags(member: ts.PropertySignature): Tag[] {
  return ts.getJSDocDeprecatedTag(member) ? ["deprecated"] : [];
}

function readImport(key: string, node: ts.ImportDeclaration, imports: Map<string, string>): void {
  const names = node.importClause?.namedBindings;
  if (!names || !ts.isNamedImports(names) || !ts.isStringLiteral(node.moduleSpecifier)) {
    throw unsupported(key, node);
  }
  const folder = key.split("/").slice(0, -1);
  for (const part of node.moduleSpecifier.text.split("/")) {
    if (part === "..") folder.pop();
    else if (part !== ".") folder.push(part);
  }
  for (const element of names.elements) imports.set(element.name.text, folder.join("/"));
}

function isStringKey(node: ts.TypeNode | undefined): boolean {
  return node?.kind === ts.SyntaxKind.StringKeyword;
}

function unsupported(key: string, node: ts.Node): Error {
  return new Error(
    `${key}.ts: cannot read ${ts.SyntaxKind[node.kind]}: ${node.getText().slice(0, 120)}`,
  );
}
