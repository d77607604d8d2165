import ts from "typescript";
import type { AffectedProgram } from "./affected-program.js";
import type { FieldChange, MethodChange, ProtocolChange, ValueChange } from "./protocol-changes.js";
import { literalsOf, ownsField } from "./protocol-owner.js";

/** The changes by the words that a file has to hold to be affected. */
export interface ChangeIndex {
  readonly methods: ReadonlyMap<string, readonly MethodChange[]>;
  /** By the last part of the name, which is the function in the tree `client.rpc`. */
  readonly calls: ReadonlyMap<string, readonly MethodChange[]>;
  readonly fields: ReadonlyMap<string, readonly FieldChange[]>;
  readonly values: ReadonlyMap<string, readonly ValueChange[]>;
  readonly types: ReadonlyMap<string, readonly ProtocolChange[]>;
  /** The values that each changed enumeration has in one of the releases and not only in the other. */
  readonly kept: ReadonlyMap<string, readonly string[]>;
}

export type Found = (change: ProtocolChange, node: ts.Node) => void;

/**
 * Finds what a file has to do with changes, by what its words mean: a text that is a method's name, a field
 * of a value of the protocol's type, a text where the protocol's enumeration is wanted, the name of a type.
 */
export function scanFile(
  file: ts.SourceFile,
  index: ChangeIndex,
  program: AffectedProgram,
  found: Found,
): void {
  const { checker } = program;

  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) text(node);
    else if (ts.isPropertyAccessExpression(node)) access(node);
    else if (ts.isBindingElement(node)) binding(node);
    else if (ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node))
      assigned(node);
    else if (ts.isTypeReferenceNode(node)) named(node);
    ts.forEachChild(node, visit);
  };

  const field = (type: ts.Type | undefined, name: string, node: ts.Node): void => {
    for (const change of index.fields.get(name) ?? []) {
      if (type && ownsField(type, name, change, program)) found(change, node);
    }
  };

  const access = (node: ts.PropertyAccessExpression): void => {
    const name = node.name.text;
    for (const change of index.calls.get(name) ?? []) {
      if (isCallOf(node, change.method)) found(change, node);
    }
    if (index.fields.has(name)) field(checker.getTypeAtLocation(node.expression), name, node);
  };

  const binding = (node: ts.BindingElement): void => {
    const key = node.propertyName ?? node.name;
    if (!ts.isObjectBindingPattern(node.parent) || !ts.isIdentifier(key)) return;
    if (index.fields.has(key.text)) field(checker.getTypeAtLocation(node.parent), key.text, node);
  };

  const assigned = (node: ts.PropertyAssignment | ts.ShorthandPropertyAssignment): void => {
    if (!ts.isIdentifier(node.name) && !ts.isStringLiteral(node.name)) return;
    const name = node.name.text;
    if (!index.fields.has(name)) return;
    // A pattern on the left of `=` takes fields as an expression that makes an object gives them.
    field(checker.getContextualType(node.parent), name, node);
  };

  const named = (node: ts.TypeReferenceNode): void => {
    const name = ts.isQualifiedName(node.typeName) ? node.typeName.right : node.typeName;
    const changes = index.types.get(name.text);
    if (!changes) return;
    const symbol = checker.getSymbolAtLocation(name);
    const target =
      symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    if (!target?.declarations?.some((declared) => program.isProtocolType(declared))) return;
    for (const change of changes) found(change, node);
  };

  const text = (node: ts.StringLiteralLike): void => {
    for (const change of index.methods.get(node.text) ?? []) {
      // A name without a slash, such as "error", is also a word like others.
      if (node.text.includes("/") ? !isModuleName(node) : isMethodWanted(node)) found(change, node);
    }
    for (const change of index.values.get(node.text) ?? []) {
      if (change.valueKind === "variant" ? isTag(node, change) : isValueWanted(node, change)) {
        found(change, node);
      }
    }
    if (ts.isElementAccessExpression(node.parent) && index.fields.has(node.text)) {
      field(checker.getTypeAtLocation(node.parent.expression), node.text, node);
    }
  };

  const isMethodWanted = (node: ts.StringLiteralLike): boolean =>
    [...wantedAt(node)].some((literal) => literal.includes("/"));

  const isValueWanted = (node: ts.StringLiteralLike, change: ValueChange): boolean => {
    const kept = index.kept.get(change.id) ?? [];
    const wanted = wantedAt(node);
    return kept.length > 0 && kept.every((value) => wanted.has(value));
  };

  /** Whether a text says which object of a union is meant. */
  const isTag = (node: ts.StringLiteralLike, change: ValueChange): boolean => {
    const { tag } = change;
    if (tag === undefined) return false;
    const place = { type: change.type, path: change.path };
    const other = otherSide(node);
    if (other && ts.isPropertyAccessExpression(other) && other.name.text === tag) {
      return ownsField(checker.getTypeAtLocation(other.expression), tag, place, program);
    }
    if (!ts.isPropertyAssignment(node.parent) || node.parent.name.getText() !== tag) return false;
    const type = checker.getContextualType(node.parent.parent);
    return type !== undefined && ownsField(type, tag, place, program);
  };

  /** All texts that could stand where this one does. */
  const wantedAt = (node: ts.StringLiteralLike): Set<string> => {
    const other = otherSide(node);
    if (!other) return literalsOf(checker.getContextualType(node), checker);
    // What is declared, since a comparison before may have left fewer.
    const symbol = checker.getSymbolAtLocation(
      ts.isPropertyAccessExpression(other) ? other.name : other,
    );
    const declared = symbol && checker.getTypeOfSymbol(symbol);
    return literalsOf(declared ?? checker.getTypeAtLocation(other), checker);
  };

  visit(file);
}

/** What a text is compared with by `===`, `!==` or `case`. */
function otherSide(node: ts.StringLiteralLike): ts.Expression | undefined {
  const { parent } = node;
  if (ts.isCaseClause(parent)) return parent.parent.parent.expression;
  if (!ts.isBinaryExpression(parent)) return undefined;
  const equals = [
    ts.SyntaxKind.EqualsEqualsEqualsToken,
    ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ];
  if (!equals.includes(parent.operatorToken.kind)) return undefined;
  return parent.left === node ? parent.right : parent.left;
}

/** Whether `….rpc.thread.search` is how a method is called. */
function isCallOf(node: ts.PropertyAccessExpression, method: string): boolean {
  let current: ts.Expression = node;
  for (const part of method.split("/").reverse()) {
    if (!ts.isPropertyAccessExpression(current) || current.name.text !== part) return false;
    current = current.expression;
  }
  return ts.isIdentifier(current)
    ? current.text === "rpc"
    : ts.isPropertyAccessExpression(current) && current.name.text === "rpc";
}

function isModuleName({ parent }: ts.Node): boolean {
  return (
    ts.isImportDeclaration(parent) ||
    ts.isExportDeclaration(parent) ||
    ts.isExternalModuleReference(parent)
  );
}
