import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = path.resolve(import.meta.dirname, "../..");

/** Packs this package, and installs the tarball into an empty folder, with what else is asked for. */
export async function installPacked(project: string, ...others: readonly string[]): Promise<void> {
  await mkdir(project, { recursive: true });
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], {
    cwd: repository,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await writeFile(path.join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  const install = ["install", "--no-audit", "--no-fund", "--prefer-offline", `./${filename}`];
  await run("npm", [...install, ...others], { cwd: project });
}
