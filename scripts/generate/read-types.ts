import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { flattenIntersections } from "./flatten.js";
import { parseTypeFile } from "./parse-type.js";
import type { ParsedType } from "./parse-type.js";
import { mapShape, sameShape } from "./type-shape.js";
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

/**
 * One table of all exported types: unique names, no intersections, and `experimental` on the types
 * and fields that the stable export does not have.
 */
export function readTypes(files: ExportedFiles, stableFiles: ExportedFiles): TypeTable {
  const stable = parseAll(stableFiles);
  const parsed = [...parseAll(files).values()].map((type) =>
    tagExperimental(type, stable.get(type.key)),
  );
  const names = nameTypes(parsed.map((type) => type.key));
  const renamed = parsed.map((type): TypeDeclaration => ({
    name: nameOf(names, type.key, type.key),
    shape: mapShape(type.shape, (part) =>
      part.kind === "ref" ? { kind: "ref", name: nameOf(names, part.name, type.key) } : part,
    ),
    tags: stable.has(type.key) ? [] : ["experimental"],
  }));
  renamed.sort((one, other) => (one.name < other.name ? -1 : 1));
  return flattenIntersections(useJsonValue(new Map(renamed.map((type) => [type.name, type]))));
}

/**
 * Upstream keeps types in a root folder and in `v2`. The v2 type keeps its plain name; a root type
 * of the same name is renamed with the prefix `Core`.
 */
export function nameTypes(keys: readonly string[]): Map<string, string> {
  const plain = (key: string): string => key.slice(key.lastIndexOf("/") + 1);
  const newer = new Set(keys.filter((key) => key.startsWith("v2/")).map(plain));
  const names = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const key of [...keys].sort()) {
    const name = !key.includes("/") && newer.has(key) ? `Core${key}` : plain(key);
    const owner = owners.get(name);
    if (owner) throw new Error(`The types ${owner} and ${key} would both be named ${name}`);
    owners.set(name, key);
    names.set(key, name);
  }
  return names;
}

function parseAll(files: ExportedFiles): Map<string, ParsedType> {
  return new Map([...files].map(([key, text]) => [key, parseTypeFile(key, text)]));
}

function nameOf(names: ReadonlyMap<string, string>, key: string, user: string): string {
  const name = names.get(key);
  if (!name) throw new Error(`${user} refers to ${key}, which the export does not hold`);
  return name;
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
