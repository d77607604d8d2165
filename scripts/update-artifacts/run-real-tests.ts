import path from "node:path";
import { CommandFailedError, type RunCommand } from "../run-command.js";

/**
 * Builds a project, without judging its types, and runs its tests on the real server. What they print is
 * shown. Throws when one fails.
 */
export async function runRealTests(
  project: string,
  { run, signal }: { run: RunCommand; signal: AbortSignal },
): Promise<void> {
  const options = { cwd: project, signal, shown: true };
  const build = ["--import", "tsx", "scripts/build/index.ts", "--javascript-only"];
  await run(process.execPath, build, options);
  const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
  const jest = path.join("node_modules", "jest", "bin", "jest.js");
  try {
    await run(process.execPath, [...flags, jest, "tests/real"], options);
  } catch (error) {
    if (!(error instanceof CommandFailedError)) throw error;
    throw new Error(
      "The tests on the real server fail with this release; see above. Nothing was changed. Without " +
        "--verify the project moves all the same, and the tests can be mended there.",
      { cause: error },
    );
  }
}
