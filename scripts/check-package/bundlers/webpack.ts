import { createRequire } from "node:module";
import path from "node:path";
import { program, type Way } from "./way.js";

interface Stats {
  hasErrors(): boolean;
  toString(options: { all: boolean; errors: boolean }): string;
}

type Webpack = (options: object, done: (error: Error | null, stats: Stats) => void) => void;

/** @param modules the `node_modules` with webpack. */
export const webpack = (modules: string): Way => ({
  name: "webpack",
  build: async ({ application, into }) => {
    const run = createRequire(path.join(modules, "webpack.js"))("webpack") as Webpack;
    const options = {
      mode: "production",
      target: "node20",
      context: application,
      entry: "./main.mjs",
      output: { path: into, filename: "main.cjs" },
    };
    await new Promise<void>((resolve, reject) => {
      run(options, (error, stats) => {
        if (error) reject(error);
        else if (stats.hasErrors()) reject(new Error(stats.toString({ all: false, errors: true })));
        else resolve();
      });
    });
    return program(process.execPath, path.join(into, "main.cjs"));
  },
});
