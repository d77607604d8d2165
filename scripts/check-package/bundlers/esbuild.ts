import path from "node:path";
import { build, type BuildOptions } from "esbuild";
import { program, type BuildJob, type RunBuilt, type Way } from "./way.js";

const requireForEsm = `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);`;

export const esbuildCommonJs: Way = {
  name: "esbuild (CommonJS)",
  build: (job) => bundle(job, "main.cjs", { format: "cjs" }),
};

export const esbuildModule: Way = {
  name: "esbuild (ES module)",
  build: (job) => bundle(job, "main.mjs", { format: "esm" }),
};

export const esbuildModuleWithRequire: Way = {
  name: "esbuild (ES module, fit for ws)",
  recipe: requireForEsm,
  build: (job) => bundle(job, "main.mjs", { format: "esm", banner: { js: requireForEsm } }),
};

async function bundle(
  { application, into }: BuildJob,
  name: string,
  options: BuildOptions,
): Promise<RunBuilt> {
  const outfile = path.join(into, name);
  const { warnings } = await build({
    ...options,
    entryPoints: [path.join(application, "main.mjs")],
    outfile,
    bundle: true,
    platform: "node",
    logLevel: "silent",
  });
  if (warnings.length > 0) throw new Error(`esbuild warns: ${warnings[0]?.text ?? ""}`);
  return program(process.execPath, outfile);
}
