/** Installs what `npm run bench:peers` compares with, for itself: it is no dependency of the package. */
import { execFileSync } from "node:child_process";
import path from "node:path";

const directory = path.join(import.meta.dirname, "peers");
// Without the optional dependencies, its own copy of the runtime: all contenders use the one here.
const options = ["--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"];
execFileSync("npm", ["ci", ...options], {
  cwd: directory,
  stdio: "inherit",
  shell: process.platform === "win32",
});
