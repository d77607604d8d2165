import path from "node:path";
import ts from "typescript";

/** The hand-written files of a project, and the types of everything in them. */
export interface AffectedProgram {
  readonly checker: ts.TypeChecker;
  readonly files: readonly ts.SourceFile[];
  /** The file's path from the root of the project, with slashes. */
  nameOf(file: ts.SourceFile): string;
  /** Whether a declaration is one of the generated types of the protocol. */
  isProtocolType(node: ts.Node): boolean;
  /** The generated types of the protocol by their names. */
  generatedTypes(): ReadonlyMap<string, ts.Symbol>;
}

/** Reads the project in `root` by its tsconfig.json. Nothing has to be built. */
export function readProgram(root: string): AffectedProgram {
  const config = ts.readConfigFile(path.join(root, "tsconfig.json"), (file) =>
    ts.sys.readFile(file),
  );
  const { options, fileNames } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const program = ts.createProgram(fileNames, {
    ...options,
    noEmit: true,
    // The examples import the package by its name, which is not built here.
    paths: {
      "codex-app-server-sdk": [path.join(root, "lib/index.ts")],
      "codex-app-server-sdk/*": [path.join(root, "lib/*/index.ts")],
    },
  });
  const nameOf = (file: ts.SourceFile): string =>
    path.relative(root, file.fileName).replaceAll("\\", "/");
  const checker = program.getTypeChecker();
  const types = path.join(root, "generated", "types.ts");
  const generatedTypes = (): ReadonlyMap<string, ts.Symbol> => {
    const file = program.getSourceFile(types);
    const module = file && checker.getSymbolAtLocation(file);
    const symbols = module ? checker.getExportsOfModule(module) : [];
    return new Map(symbols.map((symbol) => [symbol.name, symbol]));
  };
  const written = new Set(fileNames.map((name) => path.resolve(name)));
  return {
    checker,
    files: program
      .getSourceFiles()
      .filter((file) => written.has(path.resolve(file.fileName)))
      .filter((file) => !nameOf(file).startsWith("generated/")),
    nameOf,
    isProtocolType: (node) => nameOf(node.getSourceFile()) === "generated/types.ts",
    generatedTypes,
  };
}
