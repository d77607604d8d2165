import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { breakCycles } from "./alias-cycles.js";
import { flattenIntersections } from "./flatten.js";
import type { Notes } from "./notes.js";
import { parseTypeFile } from "./parse-type.js";
import type { ParsedType } from "./parse-type.js";
import { typeCase } from "./result-types.js";
import { mapShape, sameShape, unknown } from "./type-shape.js";
import type { TypeDeclaration, TypeShape, TypeTable } from "./type-shape.js";

/** The TypeScript export of one run of the binary, as text by path without extension. */
export type ExportedFiles = ReadonlyMap<string, string>;

/** Reads every type file below `folder`; the index files only re-export and are left out. */
export async function readExport(folder: string): Promise<ExportedFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, string>();
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith(".ts") || entry.name === "index.ts") continue;
    const path = join(entry.parentPath, entry.name);
    const key = path.slice(folder.length + 1, -".ts".length).replaceAll("\\", "/");
    files.set(key, await readFile(path, "utf8"));
  }
  return files;
}

/** The types of an export by path, as their files declare them. */
export type ParsedExport = ReadonlyMap<string, ParsedType>;

/** Reads every type of an export. What it cannot read is `unknown`, with a note. */
export function parseExport(files: ExportedFiles, notes: Notes): ParsedExport {
  return new Map([...files].map(([key, text]) => [key, parseTypeFile(key, text, notes)]));
}

/**
 * One table of all exported types: unique names, no intersections, and `experimental` on the types
 * and fields that the stable export does not have. What fits into no table is `unknown`, with a note.
 */
export function readTypes(all: ParsedExport, stable: ParsedExport, notes: Notes): TypeTable {
  const parsed = [...all.values()].map((type) => tagExperimental(type, stable.get(type.key)));
  const names = nameTypes(
    parsed.map((type) => type.key),
    notes,
  );
  const rename = (key: string, user: string): TypeShape => {
    const name = names.get(key);
    if (name !== undefined) return { kind: "ref", name };
    notes.add(user, `${key} in it is unknown`, "the export does not hold that type");
    return unknown;
  };
  const renamed = parsed.map((type): TypeDeclaration => ({
    name: names.get(type.key) ?? type.key,
    shape: mapShape(type.shape, (part) =>
      part.kind === "ref" ? rename(part.name, type.key) : part,
    ),
    tags: stable.has(type.key) ? [] : ["experimental"],
  }));
  renamed.sort((one, other) => (one.name < other.name ? -1 : 1));
  const types = breakCycles(new Map(renamed.map((type) => [type.name, type])), notes);
  return flattenIntersections(useJsonValue(types), notes);
}

/** Names that the generated modules give another meaning. */
const taken = new Set([
  "AllowUndefined",
  "Array",
  "ClientNotificationMethod",
  "ClientNotifications",
  "ClientRequestMethod",
  "ClientRequests",
  "Partial",
  "Promise",
  "Readonly",
  "Record",
  "RequestOptions",
  "Rpc",
  "ServerNotificationMethod",
  "ServerNotifications",
  "ServerRequestMethod",
  "ServerRequests",
]);

/**
 * Upstream keeps types in a root folder and in `v2`. The v2 type keeps its plain name; a root type
 * of the same name is renamed with the prefix `Core`, and one in any other folder, with a note, with the
 * name of that folder.
 */
export function nameTypes(keys: readonly string[], notes: Notes): Map<string, string> {
  const rank = (key: string): number => (key.startsWith("v2/") ? 0 : key.includes("/") ? 2 : 1);
  const names = new Map<string, string>();
  const used = new Set<string>();
  for (const key of [...keys].sort().sort((one, other) => rank(one) - rank(other))) {
    const cut = key.lastIndexOf("/") + 1;
    const plain = key.slice(cut);
    const own = usableName(plain);
    const isTwin = used.has(own);
    let name = isTwin ? usableName(`${typeCase(key.slice(0, cut)) || "Core"}${plain}`) : own;
    while (used.has(name)) name += "_";
    if (name !== plain && name !== `Core${plain}`)
      notes.add(key, `is named ${name}`, "its own name cannot be used");
    used.add(name);
    names.set(key, name);
  }
  return names;
}

function usableName(name: string): string {
  const word = name.replace(/[^A-Za-z0-9_$]+/g, "_");
  return taken.has(word) || !/^[A-Z]/.test(word) ? `Protocol${word}` : word;
}

function tagExperimental(type: ParsedType, stable: ParsedType | undefined): ParsedType {
  if (type.shape.kind !== "object" || stable?.shape.kind !== "object") return type;
  const known = new Set(stable.shape.fields.map((field) => field.name));
  const fields = type.shape.fields.map((field) =>
    known.has(field.name) ? field : { ...field, tags: [...field.tags, "experimental" as const] },
  );
  return { ...type, shape: { ...type.shape, fields } };
}

/** Upstream sometimes writes "any JSON" out in full; the name says it better and compares better. */
function useJsonValue(types: TypeTable): TypeTable {
  const json = types.get("JsonValue")?.shape;
  if (!json) return types;
  const replace = (shape: TypeShape): TypeShape =>
    mapShape(shape, (part) => (sameShape(part, json) ? { kind: "ref", name: "JsonValue" } : part));
  return new Map(
    [...types].map(([name, type]) => [
      name,
      name === "JsonValue" ? type : { ...type, shape: replace(type.shape) },
    ]),
  );
}
