import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import {
  Application,
  Converter,
  DeclarationReflection,
  ReflectionKind,
  type Context,
  type TypeDocOptions,
} from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";
import type { EntryPoint } from "./entry-points.js";

type Options = TypeDocOptions & PluginOptions;

/** The reference of the entry points, made from their docstrings: the text of each page by path. */
export async function renderReference(
  root: string,
  entryPoints: readonly EntryPoint[],
): Promise<Map<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "api-reference-"));
  try {
    const app = await Application.bootstrapWithPlugins(optionsFor(root, entryPoints, folder));
    app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context: Context) => {
      leaveOutProtocol(context);
      nameModules(context, entryPoints);
    });
    const project = await app.convert();
    if (!project || app.logger.hasErrors()) throw new Error("TypeDoc cannot read the sources");
    await app.generateOutputs(project);
    if (app.logger.hasErrors()) throw new Error("TypeDoc cannot write the reference");
    return await readPages(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function optionsFor(root: string, entryPoints: readonly EntryPoint[], folder: string): Options {
  return {
    entryPoints: entryPoints.map(({ source }) => join(root, source)),
    tsconfig: join(root, "tsconfig.build.json"),
    plugin: ["typedoc-plugin-markdown"],
    outputs: [{ name: "markdown", path: folder }],
    logLevel: "Error",
    // npm run typecheck is the one that judges.
    skipErrorChecking: true,
    readme: "none",
    githubPages: false,
    hideGenerator: true,
    // Nothing that another commit or another machine would change.
    disableSources: true,
    disableGit: true,
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    excludeProtected: true,
    sort: ["alphabetical"],
    router: "member",
    membersWithOwnFile: ["Class"],
    hideBreadcrumbs: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    indexFormat: "table",
    parametersFormat: "table",
    classPropertiesFormat: "table",
    interfacePropertiesFormat: "table",
    propertyMembersFormat: "table",
    typeAliasPropertiesFormat: "table",
    typeDeclarationFormat: "table",
    tableColumnSettings: {
      hideDefaults: true,
      hideInherited: true,
      hideModifiers: true,
      hideOverrides: true,
      hideSources: true,
      hideValues: true,
    },
  };
}

/** The protocol's own types and methods are read in `generated/`; here they are mentioned only. */
function leaveOutProtocol({ project }: Context): void {
  for (const namespace of project.getReflectionsByKind(ReflectionKind.Namespace)) {
    project.removeReflection(namespace);
  }
  for (const map of project.getReflectionsByKind(ReflectionKind.Interface)) {
    if (!(map instanceof DeclarationReflection) || !protocolMaps.test(map.name)) continue;
    for (const member of [...(map.children ?? [])]) project.removeReflection(member);
  }
}

const protocolMaps = /^((Client|Server)(Requests|Notifications)|Rpc)$/;

/** TypeDoc names modules after their files; readers know them by what they import. */
function nameModules({ project }: Context, entryPoints: readonly EntryPoint[]): void {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    const entry = entryPoints.find(({ source }) => source === `lib/${fileOf(module.name)}`);
    if (entry) module.name = entry.specifier.replaceAll("/", "-");
  }
}

function fileOf(moduleName: string): string {
  return moduleName === "index" ? "index.ts" : `${moduleName}/index.ts`;
}

async function readPages(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  const pages = new Map<string, string>();
  for (const path of paths.sort()) pages.set(path, await readFile(join(folder, path), "utf8"));
  return pages;
}
