import * as prettier from "prettier";
import type { Declarations } from "./declarations.js";
import type { EntryPoint } from "./entry-points.js";
import { DeclarationFiles, type Declared } from "./declaration-files.js";

/**
 * The public surface in one file: each export of each entry point as it is declared, without
 * comments, and after them the types that these declarations mention without exporting them. What
 * is generated is named only: its own files show how it changes.
 *
 * API Extractor would write such a report, too, but with all of `generated/` in it: 16,000 lines instead of
 * 3,000, which nobody reviews. It reads our declarations only with a browser's library beside them.
 */
export async function renderReport(
  declarations: Declarations,
  entryPoints: readonly EntryPoint[],
): Promise<string> {
  const files = new DeclarationFiles(declarations);
  const sections = entryPoints.map((entry) => renderEntryPoint(files, entry));
  const text = ["# The public surface", "", about, "", ...sections].join("\n");
  return prettier.format(text, { parser: "markdown", printWidth: 100 });
}

const about =
  "Made by `npm run api`; do not edit. A change in this file is a change of what the package offers: " +
  "look at it in review, and name it in CHANGELOG.md.";

function renderEntryPoint(files: DeclarationFiles, { specifier, source }: EntryPoint): string {
  const exported = new Map([...files.exportsOf(source)].sort(byName));
  const behind = hiddenBehind(files, source);
  return [
    `## ${specifier}`,
    "",
    codeBlock([...exported].map(([name, declared]) => renderExport(files, name, declared))),
    ...(behind.length === 0
      ? []
      : [
          "Not exported, but part of what is:",
          "",
          codeBlock(behind.map((declared) => files.textOf(declared))),
        ]),
  ].join("\n");
}

/** What the exports of a file mention without exporting it, however deep, in the order of the names. */
export function hiddenBehind(files: DeclarationFiles, source: string): Declared[] {
  const open = [...files.exportsOf(source).values()];
  const known = new Set(open.map(({ key }) => key));
  const hidden: Declared[] = [];
  for (let next = open.pop(); next; next = open.pop()) {
    for (const mentioned of next.generated ? [] : files.mentionedBy(next)) {
      if (known.has(mentioned.key) || mentioned.generated) continue;
      known.add(mentioned.key);
      hidden.push(mentioned);
      open.push(mentioned);
    }
  }
  return hidden.sort((one, other) => (one.name < other.name ? -1 : 1));
}

function renderExport(files: DeclarationFiles, name: string, declared: Declared): string {
  const text = declared.generated
    ? `// ${name}: ${declared.name === "*" ? "everything" : "as"} in ${declared.file}`
    : files.textOf(declared);
  return name === declared.name || declared.generated ? text : `// as ${name}\n${text}`;
}

function codeBlock(parts: readonly string[]): string {
  return ["```ts", parts.join("\n\n"), "```", ""].join("\n");
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1;
}
