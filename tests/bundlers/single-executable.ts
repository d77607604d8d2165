import { copyFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { runCommand } from "../../scripts/run-command.js";
import { program, type Way } from "../../scripts/check-package/bundlers/way.js";

const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** Node.js itself with the application in it. `modules` has postject, which puts it there. */
export const singleExecutable = (modules: string): Way => ({
  name: "single executable of Node.js",
  build: async ({ application, into }) => {
    const at = (name: string): string => path.join(into, name);
    await build({
      entryPoints: [path.join(application, "main.mjs")],
      outfile: at("main.cjs"),
      bundle: true,
      platform: "node",
      format: "cjs",
    });
    const config = { main: at("main.cjs"), output: at("main.blob") };
    await writeFile(
      at("sea.json"),
      JSON.stringify({ ...config, disableExperimentalSEAWarning: true }),
    );
    await runCommand(process.execPath, ["--experimental-sea-config", "sea.json"], { cwd: into });
    await copyFile(process.execPath, at("application"));
    const postject = path.join(modules, "postject/dist/cli.js");
    const args = ["application", "NODE_SEA_BLOB", "main.blob", "--sentinel-fuse", fuse];
    await runCommand(process.execPath, [postject, ...args], { cwd: into });
    return program(at("application"));
  },
});
