import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** What became of one run of the tests. */
export interface TestRun {
  readonly suites: number;
  readonly passed: number;
  readonly failed: number;
  /** Full names of the tests that were skipped. */
  readonly skipped: readonly string[];
  readonly seconds: number;
  /** Whether jest itself says that all is well; it counts what is wrong outside of tests, too. */
  readonly ok: boolean;
}

export interface JestOptions {
  /** The checkout. */
  readonly root: string;
  /** The Node to run on, as do all processes that tests start with `process.execPath` or by name. */
  readonly node: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What is read of jest's report. */
interface Report {
  readonly success: boolean;
  readonly numTotalTestSuites: number;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Runs the tests on the sources; what jest prints goes to this process's output. */
export async function runJest({ root, node, args, env = {} }: JestOptions): Promise<TestRun> {
  const folder = await mkdtemp(path.join(tmpdir(), "test-matrix-"));
  try {
    const report = path.join(folder, "report.json");
    const jest = path.join(root, "node_modules", "jest", "bin", "jest.js");
    const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
    const begun = performance.now();
    const child = spawn(node, [...flags, jest, "--json", `--outputFile=${report}`, ...args], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        PATH: [path.dirname(node), process.env.PATH].join(path.delimiter),
        ...env,
      },
    });
    await once(child, "close");
    const seconds = Math.round((performance.now() - begun) / 1_000);
    return { ...(await readReport(report)), seconds };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readReport(file: string): Promise<Omit<TestRun, "seconds">> {
  // Without tests, or when it could not start, jest writes none.
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return { suites: 0, passed: 0, failed: 0, skipped: [], ok: false };
  const report = JSON.parse(text) as Report;
  return {
    suites: report.numTotalTestSuites,
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.testResults.flatMap(({ assertionResults }) =>
      assertionResults.flatMap(({ status, fullName }) => (status === "pending" ? [fullName] : [])),
    ),
    ok: report.success,
  };
}
