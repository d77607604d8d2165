import { readFile } from "node:fs/promises";
import { join } from "node:path";
import ts from "typescript";
import { isOlder } from "../registry/exact-version.js";
import type { KeptMethod, MethodKind } from "./kept.js";
import type { ProtocolMethods } from "./read-methods.js";
import type { TypeTable } from "./type-shape.js";

/** What `generated/` says of the release that it was made from. */
export interface Previous {
  readonly version: string;
  readonly methods: Readonly<Record<MethodKind, Readonly<Record<string, IndexedMethod>>>>;
  /** The text of `types.ts`. */
  readonly types: string;
}

interface IndexedMethod {
  readonly params: string | null;
  readonly paramsOptional?: boolean;
  readonly result?: string | null;
  readonly experimental: boolean;
}

const kinds: readonly MethodKind[] = [
  "clientRequests",
  "clientNotifications",
  "serverRequests",
  "serverNotifications",
];

/** Reads a folder of generated files; undefined when it holds none. */
export async function readPrevious(folder: string): Promise<Previous | undefined> {
  const read = (path: string): Promise<string> => readFile(join(folder, path), "utf8");
  try {
    const { runtime } = JSON.parse(await read("manifest.json")) as { runtime: { version: string } };
    return {
      version: runtime.version,
      methods: JSON.parse(await read("schemas/methods.json")) as Previous["methods"],
      types: await read("types.ts"),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * What is kept from now on: what was kept, and each method that an older release, from which the files at hand
 * were made, has and the export of this one does not have.
 */
export function keepDropped(
  kept: readonly KeptMethod[],
  previous: Previous,
  exported: { version: string; methods: ProtocolMethods; types: TypeTable },
): readonly KeptMethod[] {
  if (!isOlder(previous.version, exported.version)) return kept;
  const dropped = kinds.flatMap((kind) => {
    const present = new Set([
      ...exported.methods[kind].map((entry) => entry.method),
      ...kept.filter((entry) => entry.kind === kind).map((entry) => entry.method),
    ]);
    return Object.entries(previous.methods[kind]).flatMap(([method, entry]): KeptMethod[] => {
      if (present.has(method)) return [];
      const { params, paramsOptional, result, experimental } = entry;
      return [
        {
          kind,
          method,
          lastRelease: previous.version,
          experimental,
          params:
            params === null
              ? "undefined"
              : `${params}${paramsOptional ? " | null | undefined" : ""}`,
          ...(result !== undefined && { result }),
          types: {},
        },
      ];
    });
  });
  const declared = declarationsIn(previous.types);
  return [...kept, ...dropped]
    .map((entry) => withDroppedTypes(entry, declared, exported.types))
    .sort((one, other) => (one.method < other.method ? -1 : 1));
}

/** A method that is kept, with those types that it needs and that the export does not have any more. */
function withDroppedTypes(
  entry: KeptMethod,
  declared: ReadonlyMap<string, Declared>,
  exported: TypeTable,
): KeptMethod {
  const roots = [...(entry.params.match(/[\w$]+/g) ?? []), entry.result ?? ""];
  const dropped = [...closure(roots, declared)].filter((name) => !exported.has(name));
  const texts = dropped.map((name) => [name, declared.get(name)?.text ?? "unknown"]);
  const types = { ...(Object.fromEntries(texts) as Record<string, string>), ...entry.types };
  const sorted = Object.entries(types).sort(([one], [other]) => (one < other ? -1 : 1));
  return { ...entry, types: Object.fromEntries(sorted) };
}

interface Declared {
  readonly text: string;
  readonly refs: ReadonlySet<string>;
}

/** Each type of the module as an expression, with the names that it mentions. */
function declarationsIn(module: string): ReadonlyMap<string, Declared> {
  const file = ts.createSourceFile("types.ts", module, ts.ScriptTarget.Latest, true);
  const found = new Map<string, Declared>();
  for (const statement of file.statements) {
    const isInterface = ts.isInterfaceDeclaration(statement);
    if (!isInterface && !ts.isTypeAliasDeclaration(statement)) continue;
    const text = isInterface
      ? `{ ${statement.members.map((member) => member.getText()).join(" ")} }`
      : statement.type.getText();
    const refs = new Set<string>();
    const visit = (node: ts.Node): void => {
      if (ts.isTypeReferenceNode(node)) refs.add(node.typeName.getText());
      ts.forEachChild(node, visit);
    };
    visit(statement);
    found.set(statement.name.text, { text: text.replace(/\s+/g, " "), refs });
  }
  return found;
}

function closure(roots: readonly string[], declared: ReadonlyMap<string, Declared>): Set<string> {
  const found = new Set<string>();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const type = declared.get(name);
    if (!type || found.has(name)) continue;
    found.add(name);
    open.push(...type.refs);
  }
  return found;
}
