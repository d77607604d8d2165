import { execFile } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const source = path.join(import.meta.dirname, "consumers/consumer.ts");
const own = path.resolve(import.meta.dirname, "../../node_modules/typescript");

/** As the package is read by its `exports`, and by the rules of old, which newer compilers have dropped. */
const configs = {
  exports: { module: "nodenext", files: ["consumer.mts", "consumer.cts"] },
  old: { module: "commonjs", moduleResolution: "node10", files: ["consumer.ts"] },
};

/**
 * Compiles a user's program as an ES module and as a CommonJS one, declarations of the package
 * included: by the oldest TypeScript that docs/compatibility.md names, by that of this project, and by
 * the newest one.
 *
 * @param modules the `node_modules` with `typescript-oldest` and `typescript-newest`.
 */
export async function compileConsumers(project: string, modules: string): Promise<void> {
  for (const [name, { files, ...options }] of Object.entries(configs)) {
    for (const file of files) await copyFile(source, path.join(project, file));
    const compilerOptions = {
      ...options,
      target: "ES2022",
      strict: true,
      noEmit: true,
      types: ["node"],
    };
    const config = path.join(project, `tsconfig.${name}.json`);
    await writeFile(config, JSON.stringify({ compilerOptions, files }));
  }
  await compile(project, path.join(modules, "typescript-oldest"), ["exports", "old"]);
  await compile(project, own, ["exports", "old"]);
  await compile(project, path.join(modules, "typescript-newest"), ["exports"]);
}

async function compile(
  project: string,
  typescript: string,
  names: readonly (keyof typeof configs)[],
): Promise<void> {
  const manifest = await readFile(path.join(typescript, "package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  for (const name of names) {
    const args = [path.join(typescript, "bin/tsc"), "-p", `tsconfig.${name}.json`];
    try {
      await promisify(execFile)(process.execPath, args, { cwd: project });
    } catch (error) {
      const { stdout } = error as { stdout: string };
      throw new Error(`TypeScript ${version} does not take the consumer:\n${stdout}`);
    }
  }
  console.log(`compiled with TypeScript ${version}, as ES modules and as CommonJS`);
}
