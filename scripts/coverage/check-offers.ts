import { join } from "node:path";
import ts from "typescript";

/** What the first word of an offer stands for; any other first word is an export. */
const receivers: Readonly<Record<string, string>> = {
  codex: "Codex",
  client: "AppServerClient",
  thread: "Thread",
  turn: "Turn",
};

/** The type of what an offer leads to, in a file that imports the library as `lib`. */
export function typeOfOffer(offer: string): string {
  const [first = "", ...members] = offer.replace(/\(\)$/, "").split(".");
  const type = receivers[first];
  // Types are named like Types, values like functions.
  const isType = type !== undefined || /^[A-Z]/.test(first);
  const base = isType ? `lib.${type ?? first}` : `typeof lib.${first}`;
  return members.reduce(
    (inner, member) => `NonNullable<${inner}>[${JSON.stringify(member)}]`,
    base,
  );
}

/** The offers that lead to nothing that the public surface in `lib/index.ts` has. */
export function checkOffers(root: string, offers: readonly string[]): string[] {
  const file = join(root, "lib/offers-check.ts");
  const lines = offers.map((offer, index) => `export type T${index} = ${typeOfOffer(offer)};`);
  const text = [`import type * as lib from "./index.js";`, ...lines].join("\n");
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path)).config,
    ts.sys,
    root,
  );
  const host = ts.createCompilerHost(options);
  const overlay: ts.CompilerHost = {
    ...host,
    fileExists: (path) => path === file || host.fileExists(path),
    readFile: (path) => (path === file ? text : host.readFile(path)),
    getSourceFile: (path, ...more) =>
      path === file
        ? ts.createSourceFile(path, text, ts.ScriptTarget.Latest)
        : host.getSourceFile(path, ...more),
  };
  const program = ts.createProgram([file], options, overlay);
  const source = program.getSourceFile(file);
  const bad = program.getSemanticDiagnostics(source).flatMap(({ start = 0 }) => {
    const line = source?.getLineAndCharacterOfPosition(start).line ?? 0;
    return line === 0 ? [] : [offers[line - 1] ?? ""];
  });
  return [...new Set(bad)];
}
