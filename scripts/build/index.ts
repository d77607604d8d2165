/**
 * Builds `dist/`: declarations by tsc, file by file, and JavaScript by esbuild, as few files as
 * there can be. Node.js takes a third of a millisecond to find, read and compile a module, however
 * small, and the library has more than 200. Another folder than `dist` may be given. With
 * `--javascript-only` there are no declarations, and nothing is said about types: for tests of sources
 * that do not fit a new protocol yet. A `dist` that is up to date stays as it is.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { BuiltBefore } from "./built-before.js";
import { bundle } from "./bundle.js";
import { checkNames } from "./check-names.js";
import { writeCommonJsDeclarations } from "./declarations.js";
import { licensesOf } from "./licenses.js";

const root = path.resolve(import.meta.dirname, "../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "javascript-only": { type: "boolean", default: false } },
});
const dist = path.resolve(root, positionals[0] ?? "dist");
const entries = [
  "lib/index",
  "lib/http/index",
  "lib/browser/index",
  "lib/ai/index",
  "lib/fleet/index",
  "lib/telemetry/index",
  "lib/testing/index",
];
/** What package.json has under `bin`. */
const programs = ["lib/cli/index"];
const inDist = (extension: string): string[] =>
  entries.map((entry) => path.join(dist, `${entry}.${extension}`));

const isWhole = !values["javascript-only"] && dist === path.join(root, "dist");
const before = isWhole ? new BuiltBefore(root, dist) : undefined;
if (!(await before?.isUpToDate())) {
  await build();
  await before?.remember();
}

async function build(): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  if (!values["javascript-only"]) {
    const tsc = path.join(root, "node_modules/typescript/bin/tsc");
    const project = path.join(root, "tsconfig.build.json");
    execFileSync(process.execPath, [tsc, "-p", project, "--outDir", dist], { stdio: "inherit" });
    await writeCommonJsDeclarations(inDist("d.ts"));
  }

  const files = await bundle(root, dist, entries, programs);
  for (const program of programs) chmodSync(path.join(dist, `${program}.js`), 0o755);
  for (const file of [...inDist("js"), ...inDist("cjs")]) await checkNames(file);
  await writeFile(path.join(dist, "third-party-licenses.txt"), await licensesOf(files));
}
