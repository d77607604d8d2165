import { copyFile, mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { runCommand, type RunCommand } from "../run-command.js";

const files = ["package.json", "package-lock.json"];

/**
 * Installs what a folder's package.json and package-lock.json name into another folder, with nothing
 * but npm: it holds each tarball against the checksum in the lock file. What is there already stays.
 * Returns the `node_modules` with the packages.
 */
export async function installPinned(
  manifests: string,
  into: string,
  run: RunCommand = runCommand,
): Promise<string> {
  const modules = path.join(into, "node_modules");
  if (await isInstalled(manifests, into)) return modules;
  await mkdir(into, { recursive: true });
  for (const name of files) await copyFile(path.join(manifests, name), path.join(into, name));
  // The packages bring programs only, so none of their scripts has to run.
  await run("npm", ["ci", "--ignore-scripts", "--include=optional"], { cwd: into });
  return modules;
}

async function isInstalled(manifests: string, into: string): Promise<boolean> {
  const read = (...parts: string[]) => readFile(path.join(...parts), "utf8").catch(() => undefined);
  // npm writes it as the last thing, so it is missing after an installation that was cut short.
  if ((await read(into, "node_modules", ".package-lock.json")) === undefined) return false;
  for (const name of files) {
    if ((await read(manifests, name)) !== (await read(into, name))) return false;
  }
  return true;
}
