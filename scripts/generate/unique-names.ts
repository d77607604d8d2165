import ts from "typescript";

/** Throws when a module declares or imports one name twice, which would make it another than it says. */
export function requireUniqueNames(path: string, text: string): void {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const seen = new Set<string>();
  for (const name of file.statements.flatMap(namesOf)) {
    if (seen.has(name)) throw new Error(`${path} would have the name ${name} twice`);
    seen.add(name);
  }
}

function namesOf(statement: ts.Statement): readonly string[] {
  if (ts.isImportDeclaration(statement)) {
    const bindings = statement.importClause?.namedBindings;
    return bindings && ts.isNamedImports(bindings)
      ? bindings.elements.map(({ name }) => name.text)
      : [];
  }
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  return ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)
    ? [statement.name.text]
    : [];
}
