import { join, relative } from "node:path";
import ts from "typescript";

/** The text of every declaration file that the build would write, by its source: `lib/index.ts`. */
export type Declarations = ReadonlyMap<string, string>;

export function emitDeclarations(root: string): Declarations {
  const { options, fileNames } = readConfig(join(root, "tsconfig.build.json"));
  const program = ts.createProgram(fileNames, {
    ...options,
    emitDeclarationOnly: true,
    declarationMap: false,
    outDir: root,
  });
  const declarations = new Map<string, string>();
  const write: ts.WriteFileCallback = (path, text) => {
    const source = relative(root, path)
      .replaceAll("\\", "/")
      .replace(/\.d\.ts$/, ".ts");
    declarations.set(source, text);
  };
  const { diagnostics } = program.emit(undefined, write, undefined, true);
  const [problem] = diagnostics;
  if (problem) throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, "\n"));
  return declarations;
}

function readConfig(path: string): ts.ParsedCommandLine {
  const host: ts.ParseConfigFileHost = {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
    },
  };
  const config = ts.getParsedCommandLineOfConfigFile(path, {}, host);
  if (!config) throw new Error(`${path} cannot be read`);
  return config;
}
