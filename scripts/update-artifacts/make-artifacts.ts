import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import * as prettier from "prettier";
import { findBinary } from "../generate/run-binary.js";
import { putStep, readStep, type Step } from "./changelog.js";
import { CommandFailedError } from "../run-command.js";
import { describeChanges } from "./describe-changes.js";
import { exists } from "./disk.js";
import type { Tools } from "./tools.js";
import { findTypeProblems } from "./type-problems.js";

/** What a new release leaves to a developer, a line each. */
export type ToDo = readonly string[];

/**
 * Makes `generated/`, `docs/api` and the list in docs/coverage.md of a copy anew, from the binary that is
 * installed there. Throws when `generated/` cannot be made; without the others the release can be used.
 */
export async function makeArtifacts(shadow: string, tools: Tools): Promise<ToDo> {
  const { run, signal, log } = tools;
  const toDo: string[] = [];
  const script = async (name: string, ...args: string[]): Promise<string[]> => {
    const all = ["--import", "tsx", `scripts/${name}/index.ts`, ...args];
    const output = await run(process.execPath, all, { cwd: shadow, signal });
    return output.split("\n").filter((line) => line.trim() !== "");
  };
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    const result = await work();
    log(`  ${what} (${((performance.now() - begun) / 1_000).toFixed(0)} s)`);
    return result;
  };

  // What the generator says besides is what it could not name: nobody has to act, but may.
  for (const line of await timed("generated/ made", () => script("generate"))) {
    // How many files it wrote, and that into the copy, helps nobody.
    if (!line.startsWith("Wrote ")) log(`    ${line}`);
  }
  const problems = await timed("types checked", () => findTypeProblems(shadow, { run, signal }));
  toDo.push(...problems);
  // Sources whose types do not fit any more have no declarations to report, for one.
  const lenient = async (what: string, work: () => Promise<readonly string[]>): Promise<void> => {
    try {
      toDo.push(...(await work()));
    } catch (error) {
      if (!(error instanceof CommandFailedError)) throw error;
      toDo.push(`${what} could not be made: ${error.message}`);
    }
  };
  // It says only how many files it wrote.
  await lenient("docs/api", () => timed("docs/api made", () => script("api")).then(() => []));
  await lenient("docs/coverage.md", () =>
    timed("docs/coverage.md listed", () => script("coverage", "--list")),
  );
  return toDo;
}

/**
 * Says what changed in the protocol, and writes it into CHANGELOG.md of the copy. Users come from the last
 * published package, so the changelog starts where the Unreleased section does already.
 */
export async function describeProtocol(
  root: string,
  shadow: string,
  { from, to }: Step,
  { protocol, log }: Tools,
): Promise<void> {
  const changelog = path.join(shadow, "CHANGELOG.md");
  const isThere = await exists(changelog);
  const text = isThere ? await readFile(changelog, "utf8") : "";
  if (from === to) {
    log(`The protocol: ${to} is pinned already.`);
    return;
  }
  const binary = await findBinary(path.join(shadow, "package.json"));
  const said = await describeChanges({ from, to }, root, protocol, binary);
  log(`\nThe protocol, codex ${from} to ${to}:\n\n${said.trim()}\n`);
  if (!isThere) return;
  const start = readStep(text)?.from ?? from;
  const step = { from: start, to };
  let written = said;
  if (start === from) log("CHANGELOG.md says the same in its Unreleased section.");
  else if (start === to)
    log(`CHANGELOG.md says nothing of it: its Unreleased section starts at ${to}.`);
  else {
    written = await describeChanges(step, root, protocol, binary);
    log(`CHANGELOG.md tells of all changes since ${start}, where its Unreleased section starts.`);
  }
  await writeFile(changelog, putStep(text, step, await format(written, shadow)));
}

async function format(text: string, shadow: string): Promise<string> {
  const options = await prettier.resolveConfig(path.join(shadow, "package.json"));
  return prettier.format(text, { ...options, parser: "markdown" });
}
