import { cp, mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { installPinned } from "../../../scripts/registry/install-pinned.js";
import { runCommand } from "../../../scripts/run-command.js";

const root = path.resolve(import.meta.dirname, "../../..");
const source = path.join(root, "examples/apps/nextjs");
/** As deep as the application itself, so that `file:../../..` leads to this package from here, too. */
const copy = path.join(root, ".cache/apps/nextjs");

/** The environment in which `npm start` starts it. */
export const productionSettings = path.join(source, "production.env");

/** A copy of the application with its packages, in which a test may build and change what it wants. */
export async function installedApp(): Promise<string> {
  await mkdir(copy, { recursive: true });
  await cp(path.join(source, ".npmrc"), path.join(copy, ".npmrc"));
  await installPinned(source, copy);
  await refreshLibrary();
  const mine = (await readdir(source)).filter((name) => !/^(node_modules|\.next)$/.test(name));
  for (const name of mine) {
    await rm(path.join(copy, name), { recursive: true, force: true });
    await cp(path.join(source, name), path.join(copy, name), { recursive: true });
  }
  return copy;
}

/** The copy of this package that npm has made there may be older than `dist`. */
async function refreshLibrary(): Promise<void> {
  const installed = path.join(copy, "node_modules/codex-app-server-sdk");
  for (const name of ["package.json", "dist"]) {
    await rm(path.join(installed, name), { recursive: true, force: true });
    await cp(path.join(root, name), path.join(installed, name), { recursive: true });
  }
}

/** Builds it, and puts what came of it, and nothing else, into another directory. */
export async function buildInto(directory: string): Promise<void> {
  const app = await installedApp();
  await rm(path.join(app, ".next"), { recursive: true, force: true });
  await runCommand("npm", ["run", "build"], { cwd: app });
  await cp(path.join(app, ".next/standalone"), directory, { recursive: true });
}
