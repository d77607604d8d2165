import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "../../scripts/run-command.js";
import { program, type Way } from "../../scripts/check-package/bundlers/way.js";

const noExternal = "ssr: { noExternal: true }";

/** Everything in one file; by default Vite leaves packages outside. `modules` has Vite. */
export const vite = (modules: string): Way => ({
  name: "Vite (ssr)",
  recipe: noExternal,
  build: async ({ application, into }) => {
    const config = path.join(application, "vite.config.mjs");
    await writeFile(config, `export default { ${noExternal} };\n`);
    try {
      const cli = path.join(modules, "vite/bin/vite.js");
      await runCommand(process.execPath, [cli, "build", "--ssr", "main.mjs", "--outDir", into], {
        cwd: application,
      });
    } finally {
      await rm(config);
    }
    return program(process.execPath, path.join(into, "main.js"));
  },
});
