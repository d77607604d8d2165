import path from "node:path";
import { runCommand } from "../../scripts/run-command.js";
import { program, type Way } from "../../scripts/check-package/bundlers/way.js";

/** @param modules the `node_modules` with ncc. */
export const ncc = (modules: string): Way => ({
  name: "ncc",
  build: async ({ application, into }) => {
    const cli = path.join(modules, "@vercel/ncc/dist/ncc/cli.js");
    await runCommand(process.execPath, [cli, "build", "main.mjs", "-o", into], {
      cwd: application,
    });
    return program(process.execPath, path.join(into, "index.mjs"));
  },
});
