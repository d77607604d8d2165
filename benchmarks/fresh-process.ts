import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** One thing that is measured: a script in `contenders/`, and what it gets. */
export interface Contender {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
}

/** What one run of a contender cost. */
export interface Cost {
  /** Wall-clock time of the measured part. */
  readonly ms: number;
  /** CPU time of the measured part, in the contender's own process and all of its threads. */
  readonly cpuMs: number;
  /** The most memory the process has ever had resident, start of Node.js included. */
  readonly peakMiB: number;
  /** What it keeps on the heap, where that is measured. */
  readonly heapKiB?: number;
  /** The most that it and its child processes have had in memory, where that is measured. */
  readonly treeMiB?: number;
  /** How many messages it saw, where it counts. */
  readonly messages?: number;
  /** How much text it saw, where it counts. */
  readonly characters?: number;
}

const timeoutMs = 60_000;

/** Where contenders run, and with what. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
}

/** Runs a contender once, in a process of its own. */
export async function runFresh(contender: Contender, { env, home }: Surroundings): Promise<Cost> {
  const script = fileURLToPath(new URL(`contenders/${contender.script}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...contender.args], {
    env: { ...process.env, ...env },
    cwd: home,
    timeout: timeoutMs,
  });
  return JSON.parse(stdout) as Cost;
}
