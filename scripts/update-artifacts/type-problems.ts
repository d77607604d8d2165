import { writeFile } from "node:fs/promises";
import path from "node:path";
import { CommandFailedError, type RunCommand } from "../run-command.js";

/** At most so many files are listed; the first one with an error usually explains the others. */
const most = 20;

/**
 * What TypeScript says of the sources beside the new `generated/`: a line for each file with its first
 * error. What sees the built package only, such as the examples, is left out.
 */
export async function findTypeProblems(
  project: string,
  { run, signal }: { run: RunCommand; signal: AbortSignal },
): Promise<string[]> {
  const config = path.join(project, "tsconfig.update.json");
  const include = ["lib", "generated", "scripts", "tests"];
  const exclude = ["scripts/check-package/consumers"];
  await writeFile(config, JSON.stringify({ extends: "./tsconfig.json", include, exclude }));
  const tsc = "node_modules/typescript/bin/tsc";
  try {
    await run(process.execPath, [tsc, "-p", config, "--pretty", "false"], { cwd: project, signal });
    return [];
  } catch (error) {
    if (!(error instanceof CommandFailedError)) throw error;
    const problems = readProblems(error.stdout);
    if (problems.length > 0) return problems;
    throw error;
  }
}

/** One line for each file: how many errors it has, and the first one. */
export function readProblems(output: string): string[] {
  const files = new Map<string, string[]>();
  for (const line of output.split("\n")) {
    const [, file, at, text] = /^([^\s(][^(]*)\((\d+),\d+\): error (TS\d+: .*)$/.exec(line) ?? [];
    if (file === undefined) continue;
    files.set(file, [...(files.get(file) ?? []), `line ${at ?? ""}, ${text ?? ""}`]);
  }
  const lines = [...files].map(([file, errors]) => {
    const count = errors.length === 1 ? "a type error" : `${errors.length} type errors`;
    return `${file}: ${count}: ${errors[0] ?? ""}`;
  });
  const more = lines.length - most;
  return more > 0 ? [...lines.slice(0, most), `and ${more} more files with type errors`] : lines;
}
