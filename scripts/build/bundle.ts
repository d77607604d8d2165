import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

/**
 * Writes `<dist>/<entry>.js` for each entry, and what they share beside them, with source maps that
 * lead to the sources in the package. Packages that we depend on stay imports.
 */
export async function bundle(
  root: string,
  dist: string,
  entries: readonly string[],
): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries.map((entry) => ({ in: `${entry}.ts`, out: entry })),
    outdir: dist,
    bundle: true,
    splitting: true,
    chunkNames: "lib/chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node20.19",
    packages: "external",
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: "warning",
  });
  const files = Object.keys(metafile.outputs).filter((file) => file.endsWith(".js"));
  for (const file of files) await restoreClassNames(path.join(root, file));
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
