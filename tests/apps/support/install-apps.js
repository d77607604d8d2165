import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const apps = path.resolve(import.meta.dirname, "../../../examples/apps");

/** Installs what each application needs, from its own lock file, and checks its types. */
export default async function installApps() {
  for (const entry of await readdir(apps, { withFileTypes: true })) {
    // npm run test:nextjs installs that one itself.
    if (!entry.isDirectory() || entry.name === "nextjs") continue;
    const cwd = path.join(apps, entry.name);
    await run("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund"], { cwd });
    await run("npm", ["run", "--silent", "typecheck"], { cwd });
  }
}
