/**
 * `npm run test:matrix`: runs the tests on each supported Node, and prints a table of how it went.
 * `-- --node 22` takes only that one, and may be repeated; the rest goes to jest: `-- tests/unit`.
 */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { runCommand } from "../../scripts/run-command.js";
import { installPinned } from "../../scripts/registry/install-pinned.js";
import { parseMatrixOptions } from "./options.js";
import { runJest } from "./run-jest.js";
import { table } from "./table.js";

const root = path.resolve(import.meta.dirname, "../..");
const manifests = path.join(import.meta.dirname, "nodes");
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

try {
  const { chosen, jestArgs } = parseMatrixOptions(process.argv.slice(2), "node", [
    "20",
    "22",
    "24",
    "26",
  ]);
  const modules = await installPinned(manifests, path.join(root, ".cache", "node-matrix"));
  // Some tests use the package as it is published.
  await runCommand("npm", ["run", "--silent", "build"], { cwd: root });

  const rows: string[][] = [];
  for (const major of chosen) {
    const node = await nodeIn(modules, major);
    const { stdout: version } = await promisify(execFile)(node, ["--version"]);
    print(`\n== Node ${version.trim()}`);
    const { suites, passed, failed, skipped, seconds, ok } = await runJest({
      root,
      node,
      args: jestArgs,
    });
    if (!ok) process.exitCode = 1;
    const counts = [suites, passed, failed, skipped.length, seconds].map(String);
    rows.push([version.trim(), ...counts, ok ? "ok" : "failed"]);
  }
  print(`\n${table(["Node", "suites", "passed", "failed", "skipped", "seconds", "result"], rows)}`);
} catch (error) {
  process.stderr.write(`test:matrix: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = 1;
}

/** npm has installed the package for this machine only. */
async function nodeIn(modules: string, major: string): Promise<string> {
  const name = (await readdir(modules)).find((each) => each.startsWith(`node-${major}-`));
  if (name === undefined) {
    throw new Error(
      `There is no Node ${major} for ${process.platform}/${process.arch} in ${manifests}.`,
    );
  }
  return path.join(modules, name, "bin", "node");
}
