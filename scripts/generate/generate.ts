import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import * as prettier from "prettier";
import { keepDropped } from "./keep-dropped.js";
import type { Previous } from "./keep-dropped.js";
import { addKept } from "./kept.js";
import type { KeptMethod } from "./kept.js";
import { Notes } from "./notes.js";
import type { Note } from "./notes.js";
import { nameParams } from "./params.js";
import { readPaths } from "./paths.js";
import { readMethods } from "./read-methods.js";
import type { ProtocolMethods } from "./read-methods.js";
import { parseExport, readExport, readTypes } from "./read-types.js";
import type { ExportedFiles } from "./read-types.js";
import { relaxForSchemas, relaxTypes } from "./relax.js";
import { renderManifest, renderMethodIndex, renderSchema } from "./render-json.js";
import { renderKeys } from "./render-keys.js";
import { renderMethods, renderPaths, renderRouting, renderRuntime } from "./render-methods.js";
import { renderRpc } from "./render-rpc.js";
import { renderTypes } from "./render-types.js";
import { readRouting } from "./routing.js";
import { findBinary, readPin, requireVersion, runBinary } from "./run-binary.js";
import { makeSchemas } from "./schemas.js";
import type { TypeTable } from "./type-shape.js";
import { requireUniqueNames } from "./unique-names.js";
import { readDefinitions } from "./upstream-schema.js";
import type { UpstreamSchemas } from "./upstream-schema.js";

/** The text of every generated file by its path below `generated/`. */
export type GeneratedFiles = ReadonlyMap<string, string>;

export interface Generated {
  readonly files: GeneratedFiles;
  /** What the generator did not know; the manifest holds them, too. */
  readonly notes: readonly Note[];
  /** The methods that only older releases have. */
  readonly kept: readonly KeptMethod[];
}

/** What stays of older releases. */
export interface Older {
  /** The methods that are kept already. */
  readonly kept: readonly KeptMethod[];
  /** The release that was pinned before. What this one dropped is kept from now on. */
  readonly previous?: Previous | undefined;
}

/** What one binary exports. */
export interface ProtocolExport {
  readonly version: string;
  /** The types with what is experimental, and those without. */
  readonly all: ExportedFiles;
  readonly stable: ExportedFiles;
  /** All JSON Schemas in one. */
  readonly schemas: unknown;
}

/**
 * Runs the pinned binary of the project in `root` and makes all files from what it exports. What is not known
 * is passed through as `unknown`, with a note. Throws when the binary is another than the pinned one, and when
 * the files would be wrong: a name that stands for two things, or what is no TypeScript.
 */
export async function generate(root: string, older: Older): Promise<Generated> {
  const packageFile = join(root, "package.json");
  const pin = await readPin(packageFile);
  const binary = await findBinary(packageFile);
  const folder = await mkdtemp(join(tmpdir(), "codex-generate-"));
  try {
    requireVersion(await runBinary(binary, ["--version"], folder), pin);
    const exported = await readAll(binary, pin, folder);
    const { files, ...more } = await makeFiles(exported, older, folder);
    return { files: await formatAll(root, files), ...more };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Has a binary export its protocol. `folder` is a private folder to work in. */
export async function readAll(
  binary: string,
  version: string,
  folder: string,
  signal?: AbortSignal,
): Promise<ProtocolExport> {
  const run = async (command: string, name: string, ...args: string[]): Promise<string> => {
    const out = join(folder, name);
    await runBinary(binary, ["app-server", command, "--out", out, ...args], folder, signal);
    return out;
  };
  return {
    version,
    all: await readExport(await run("generate-ts", "ts", "--experimental")),
    stable: await readExport(await run("generate-ts", "ts-stable")),
    schemas: await readSchemas(await run("generate-json-schema", "json", "--experimental")),
  };
}

interface NamedProtocol {
  readonly methods: ProtocolMethods;
  readonly types: TypeTable;
  readonly upstream: UpstreamSchemas;
}

/** What the methods and types of an export are, as far as they are known. */
export function readProtocol(exported: ProtocolExport, notes: Notes): NamedProtocol {
  const { methods, types, upstream } = readNamed(exported, notes);
  return { methods, types: relaxTypes(types, methods, upstream), upstream };
}

function readNamed({ all, stable, schemas }: ProtocolExport, notes: Notes): NamedProtocol {
  const upstream = readDefinitions(schemas);
  if (upstream.v2.size + upstream.root.size === 0)
    notes.add("JSON Schema", "each field is as exported", "the binary's schemas cannot be read");
  // The whole export has all that the stable one has, and so notes it, too.
  const parsedStable = parseExport(stable, new Notes());
  const read = readTypes(parseExport(all, notes), parsedStable, notes);
  const stableTypes = readTypes(parsedStable, parsedStable, new Notes());
  const present = readMethods(read, stableTypes, notes);
  return { ...nameParams(present, read, notes), upstream };
}

/** All files, before formatting. `folder` is a private folder to work in. */
export async function makeFiles(
  exported: ProtocolExport,
  older: Older,
  folder: string,
): Promise<Generated> {
  const { version } = exported;
  const notes = new Notes();
  const { upstream, ...named } = readNamed(exported, notes);
  const kept = older.previous
    ? keepDropped(older.kept, older.previous, { version, ...named })
    : older.kept;
  const { methods, types: all } = addKept(kept, named.methods, { types: named.types, notes });
  const types = relaxTypes(all, methods, upstream);
  const routes = readRouting(methods.serverNotifications, types, notes);
  const judged = renderTypes(relaxForSchemas(types, upstream));
  const schema = await makeSchemas(judged, [...types.keys()], { folder, notes });
  const files = new Map([
    ["methods.ts", `${renderMethods(methods)}\n${renderKeys(methods, types, notes)}`],
    ["paths.ts", renderPaths(readPaths(methods.clientRequests, types, notes))],
    ["routing.ts", renderRouting(routes)],
    ["rpc.ts", renderRpc(methods, types, { upstream, notes })],
    ["runtime.ts", renderRuntime(version)],
    ["schemas/methods.json", renderMethodIndex(methods)],
    ["schemas/protocol.json", renderSchema(schema)],
    ["types.ts", renderTypes(types)],
  ]);
  for (const [path, text] of files) {
    if (extname(path) === ".ts") requireUniqueNames(path, text);
  }
  // What is kept of older releases does not count.
  const own = new Map([...types].filter(([name]) => named.types.has(name) || !all.has(name)));
  files.set("manifest.json", renderManifest(version, own, methods, notes.list()));
  return { files, notes: notes.list(), kept };
}

/** The file of all schemas; undefined where this binary writes none. Throws, naming it, when it is no JSON. */
export async function readSchemas(folder: string): Promise<unknown> {
  const name = "codex_app_server_protocol.schemas.json";
  try {
    const text = await readFile(join(folder, name), "utf8");
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${name} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function formatAll(root: string, files: GeneratedFiles): Promise<GeneratedFiles> {
  const options = await prettier.resolveConfig(join(root, "package.json"));
  const formatted = new Map<string, string>();
  for (const [path, text] of files) {
    const parser = extname(path) === ".json" ? "json" : "typescript";
    formatted.set(path, await prettier.format(text, { ...options, parser }));
  }
  return formatted;
}
