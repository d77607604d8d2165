/**
 * `npm run test:runtimes`: runs the tests on the real server against each supported release of it, and
 * prints what the older ones do not offer. `-- --runtime 0.160.1` takes only that one, and may be
 * repeated; the rest goes to jest: `-- tests/real/turn-queue.long.test.ts`.
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { RUNTIME_VERSION } from "../../generated/runtime.js";
import { runtimeTarget } from "../../lib/runtime/platform.js";
import { readVendorTree } from "../../lib/runtime/vendor-tree.js";
import { installPinned } from "../../scripts/registry/install-pinned.js";
import { parseMatrixOptions } from "../matrix/options.js";
import { runJest, type TestRun } from "../matrix/run-jest.js";
import { table } from "../matrix/table.js";
import { runCommand } from "../../scripts/run-command.js";
import { byFeature } from "./not-offered.js";

/** The oldest supported one comes first; the pinned one, which may be among them, comes last. */
const older = ["0.155.1", "0.160.1", "0.165.0", "0.169.0"].filter(
  (each) => each !== RUNTIME_VERSION,
);
/** Must be refused, unless that is switched off. */
const tooOld = "0.150.1";
/** These are about the installed runtime, and what was generated from it, whatever CODEX_PATH says. */
const aboutThePinned =
  "tests/real/(generate|protocol-diff|protocol-schemas|runtime)(\\.long)?\\.test\\.ts$";

const root = path.resolve(import.meta.dirname, "../..");
const manifests = path.join(import.meta.dirname, "releases");
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

try {
  const choices = [...older, RUNTIME_VERSION, tooOld];
  const { chosen, jestArgs } = parseMatrixOptions(process.argv.slice(2), "runtime", choices);
  const modules = await installPinned(manifests, path.join(root, ".cache", "runtimes"));
  // The examples use the package as it is published.
  await runCommand("npm", ["run", "--silent", "build"], { cwd: root });

  const rows: string[][] = [];
  const missing: string[] = [];
  for (const version of chosen) {
    print(`\n== codex ${version}`);
    const run = await runOn(modules, version, jestArgs);
    // Whatever is skipped has to say what the server lacks.
    const { features, unexplained } = byFeature(run.skipped);
    const ok = run.ok && unexplained.length === 0;
    if (!ok) process.exitCode = 1;
    const { suites, passed, failed, skipped, seconds } = run;
    const counts = [suites, passed, failed, skipped.length, seconds].map(String);
    rows.push([version, ...counts, ok ? "ok" : "failed"]);
    missing.push(`codex ${version} does not offer:`, ...features.map((line) => `  ${line}`));
    missing.push(...unexplained.map((name) => `  skipped without a reason: ${name}`), "");
  }
  print(`\n${missing.join("\n")}`);
  const head = ["codex", "suites", "passed", "failed", "not offered", "seconds", "result"];
  print(table(head, rows));
} catch (error) {
  process.stderr.write(`test:runtimes: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = 1;
}

async function runOn(
  modules: string,
  version: string,
  jestArgs: readonly string[],
): Promise<TestRun> {
  const args =
    version === tooOld
      ? ["--testMatch", "**/tests/runtimes/*.check.ts"]
      : [...(jestArgs.length === 0 ? ["tests/real"] : jestArgs)];
  const options = { root, node: process.execPath };
  // It is installed, and asked whether it offers something by nobody: it has to offer everything.
  if (version === RUNTIME_VERSION) return runJest({ ...options, args, env: { CODEX_PATH: "" } });
  return runJest({
    ...options,
    args: [...args, "--testPathIgnorePatterns", aboutThePinned],
    env: { CODEX_PATH: await binaryIn(modules, version) },
  });
}

/** npm has installed the packages for this machine only. */
async function binaryIn(modules: string, version: string): Promise<string> {
  const { platform, arch } = process;
  const target = runtimeTarget(platform, arch);
  const name = (await readdir(modules)).find((each) => each.startsWith(`codex-${version}-`));
  if (target === undefined || name === undefined) {
    throw new Error(`There is no codex ${version} for ${platform}/${arch} in ${manifests}.`);
  }
  const found = await readVendorTree(path.join(modules, name, "vendor", target.triple), target);
  if ("program" in found) return found.program.command;
  throw new Error(`${name}: ${found.problem}.`);
}
