import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { build as bundleAll, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import packageJson from "../../package.json" with { type: "json" };

const shared: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
};

/** As few ES modules as there can be. Packages that we depend on stay imports. */
const esm: BuildOptions = {
  format: "esm",
  splitting: true,
  chunkNames: "lib/chunks/[name]-[hash]",
  packages: "external",
};

/**
 * An entry that makes clients takes the classes of the main entry and of that for the web, not a copy of them:
 * `instanceof` tells them. The others throw errors at most, which `isAppServerError()` knows whatever copy they are of.
 */
const sharedClasses: Plugin = {
  name: "shared-classes",
  setup(build) {
    build.onResolve(
      { filter: /^(\.\.\/)+(http\/)?index\.js$/ },
      ({ path: imported, importer, resolveDir }) => {
        if (!importer.includes(`${path.sep}fleet${path.sep}`)) return undefined;
        const shared = sharedEntries.get(path.resolve(resolveDir, imported));
        return shared === undefined ? undefined : { path: shared, external: true };
      },
    );
  },
};

const lib = path.resolve(import.meta.dirname, "../../lib");
/** What an entry beside them requires in the place of a source. */
const sharedEntries: ReadonlyMap<string, string> = new Map([
  [path.join(lib, "index.js"), "../index.cjs"],
  [path.join(lib, "http/index.js"), "../http/index.cjs"],
]);

/**
 * For those who cannot load ES modules, such as jest: one file for each entry. Packages that are ES
 * modules only become a part of it; those that an application installs, or does not, never do.
 */
const commonJs: BuildOptions = {
  format: "cjs",
  outExtension: { ".js": ".cjs" },
  external: ["vscode-jsonrpc", ...Object.keys(packageJson.peerDependencies)],
  plugins: [sharedClasses],
};

/**
 * Writes `<dist>/<entry>.js` and `<dist>/<entry>.cjs` for each entry, `<dist>/<program>.js` for each program,
 * and what the former share beside them, with source maps that lead to the sources in the package. Tells which
 * files they are made of.
 */
export async function bundle(
  root: string,
  dist: string,
  entries: readonly string[],
  programs: readonly string[],
): Promise<readonly string[]> {
  const inputs = new Set<string>();
  for (const [format, names] of [
    [esm, [...entries, ...programs]],
    [commonJs, entries],
  ] as const) {
    const entryPoints = names.map((name) => ({ in: `${name}.ts`, out: name }));
    const options = { ...shared, ...format, absWorkingDir: root, outdir: dist, entryPoints };
    const { metafile } = await bundleAll({ ...options, metafile: true });
    for (const file of scriptsOf(metafile)) await restoreClassNames(path.join(root, file));
    for (const file of Object.keys(metafile.inputs)) inputs.add(path.join(root, file));
  }
  return [...inputs];
}

function scriptsOf({ outputs }: Metafile): string[] {
  return Object.keys(outputs).filter((file) => !file.endsWith(".map"));
}

/**
 * esbuild turns a class that refers to itself into `var Thread = class _Thread …`, and so it would be
 * called in stack traces and by the console. A space in place of the underscore gives the name back,
 * and moves nothing that the source map points at. No name of ours begins with an underscore.
 */
async function restoreClassNames(file: string): Promise<void> {
  let code = await readFile(file, "utf8");
  for (const [, name] of code.matchAll(/^var (\w+) = class _\1\b/gm)) {
    code = code.replaceAll(new RegExp(`(?<![\\w$.])_${name}\\b`, "g"), ` ${name}`);
  }
  await writeFile(file, code);
}
