import { createRequire } from "node:module";
import path from "node:path";
import { program, type Way } from "./way.js";

interface Rollup {
  readonly rollup: (options: object) => Promise<{ write(options: object): Promise<unknown> }>;
}
type MakePlugin = (options?: object) => object;

/** @param modules the `node_modules` with Rollup and its plugins. */
export const rollup = (modules: string): Way => ({
  name: "rollup",
  recipe: "plugins: [nodeResolve(), commonjs()]",
  build: async ({ application, into }) => {
    const load = createRequire(path.join(modules, "rollup.js"));
    const { rollup: bundle } = load("rollup") as Rollup;
    const { nodeResolve } = load("@rollup/plugin-node-resolve") as { nodeResolve: MakePlugin };
    const commonjs = load("@rollup/plugin-commonjs") as MakePlugin;
    const made = await bundle({
      input: path.join(application, "main.mjs"),
      plugins: [nodeResolve(), commonjs()],
      logLevel: "silent",
    });
    const file = path.join(into, "main.mjs");
    await made.write({ file, format: "es", inlineDynamicImports: true });
    return program(process.execPath, file);
  },
});
