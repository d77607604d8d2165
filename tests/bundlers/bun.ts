import path from "node:path";
import { runCommand } from "../../scripts/run-command.js";
import { program, type Way } from "../../scripts/check-package/bundlers/way.js";

const minified = ["--minify", "--sourcemap", "--bytecode", "--format=cjs"];

/** @param modules the `node_modules` with Bun. */
export const bunWays = (modules: string): readonly Way[] =>
  [[], minified].map((options) => ({
    name: ["bun build --compile", ...options].join(" "),
    build: async ({ application, into }) => {
      const { platform, arch } = process;
      const bun = path.join(modules, `@oven/bun-${platform}-${arch}/bin/bun`);
      const executable = path.join(into, "application");
      const args = ["build", "--compile", ...options, "main.mjs", "--outfile", executable];
      await runCommand(bun, args, { cwd: application });
      return program(executable);
    },
  }));
