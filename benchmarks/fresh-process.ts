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
  /** How many messages it saw, where it counts. */
  readonly messages?: number;
}

const timeoutMs = 60_000;

/** Runs a contender once, in a process of its own. */
export async function runFresh(contender: Contender, env: NodeJS.ProcessEnv): Promise<Cost> {
  const script = fileURLToPath(new URL(`contenders/${contender.script}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...contender.args], {
    env: { ...process.env, ...env },
    timeout: timeoutMs,
  });
  return JSON.parse(stdout) as Cost;
}
