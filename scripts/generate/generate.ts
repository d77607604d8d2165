import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import * as prettier from "prettier";
import { readPaths } from "./paths.js";
import { readMethods } from "./read-methods.js";
import { readExport, readTypes } from "./read-types.js";
import { relaxForSchemas, relaxTypes } from "./relax.js";
import type { UpstreamSchemas } from "./relax.js";
import { renderManifest, renderMethodIndex, renderSchema } from "./render-json.js";
import { renderKeys } from "./render-keys.js";
import { renderMethods, renderPaths, renderRouting, renderRuntime } from "./render-methods.js";
import { renderRpc } from "./render-rpc.js";
import { renderTypes } from "./render-types.js";
import { readRouting } from "./routing.js";
import { findBinary, readPin, requireVersion, runBinary } from "./run-binary.js";
import { makeSchemas } from "./schemas.js";

/** The text of every generated file by its path below `generated/`. */
export type GeneratedFiles = ReadonlyMap<string, string>;

/** Runs the pinned binary of the project in `root` and makes all files from what it exports. */
export async function generate(root: string): Promise<GeneratedFiles> {
  const packageFile = join(root, "package.json");
  const pin = await readPin(packageFile);
  const binary = await findBinary(packageFile);
  const folder = await mkdtemp(join(tmpdir(), "codex-generate-"));
  try {
    requireVersion(await runBinary(binary, ["--version"], folder), pin);
    return await formatAll(root, await makeFiles(binary, pin, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeFiles(binary: string, pin: string, folder: string): Promise<GeneratedFiles> {
  const run = async (command: string, name: string, ...args: string[]): Promise<string> => {
    const out = join(folder, name);
    await runBinary(binary, ["app-server", command, "--out", out, ...args], folder);
    return out;
  };
  const all = await readExport(await run("generate-ts", "ts", "--experimental"));
  const stable = await readExport(await run("generate-ts", "ts-stable"));
  const json = await run("generate-json-schema", "json", "--experimental");

  const exported = readTypes(all, stable);
  const methods = readMethods(exported, readTypes(stable, stable));
  const upstream = await readUpstreamSchemas(json);
  const types = relaxTypes(exported, methods, upstream);
  const routes = readRouting(methods.serverNotifications, types);
  const judged = renderTypes(relaxForSchemas(types, upstream));
  const schema = await makeSchemas(judged, [...types.keys()], folder);
  return new Map([
    ["manifest.json", renderManifest(pin, types, methods)],
    ["methods.ts", `${renderMethods(methods)}\n${renderKeys(methods, types)}`],
    ["paths.ts", renderPaths(readPaths(methods.clientRequests, types))],
    ["routing.ts", renderRouting(routes)],
    ["rpc.ts", renderRpc(methods, types, upstream)],
    ["runtime.ts", renderRuntime(pin)],
    ["schemas/methods.json", renderMethodIndex(methods)],
    ["schemas/protocol.json", renderSchema(schema)],
    ["types.ts", renderTypes(types)],
  ]);
}

async function readUpstreamSchemas(folder: string): Promise<UpstreamSchemas> {
  const file = join(folder, "codex_app_server_protocol.schemas.json");
  return JSON.parse(await readFile(file, "utf8")) as UpstreamSchemas;
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
