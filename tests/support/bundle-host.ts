import { build, type BuildOptions } from "esbuild";

/** What is CommonJS in an ES module bundle has Node's own modules by this, as esbuild's manual says. */
const requireForEsm = `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);`;

/** Bundles a program with the library in it, as applications are bundled; `ws` stays an import. */
export async function bundleHost(
  entry: string,
  outfile: string,
  options: BuildOptions = {},
): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: outfile.endsWith(".cjs") ? "cjs" : "esm",
    external: ["ws"],
    banner: outfile.endsWith(".cjs") ? {} : { js: requireForEsm },
    logLevel: "error",
    ...options,
  });
}
