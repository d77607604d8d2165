import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

/** What the application says of itself when it runs: an answer, or an error with its code. */
export interface Report {
  readonly answer: string;
  readonly socket: string;
}

/** Runs what was built, with an environment of its own, far from where it lies. */
export type RunBuilt = (env: NodeJS.ProcessEnv) => Promise<Report>;

export interface BuildJob {
  /** Directory with `main.mjs`, `report.mjs`, and the library in `node_modules`. */
  readonly application: string;
  /** Empty directory for what is built; a runtime may be put into its `node_modules`. */
  readonly into: string;
}

/** A way to make something else of an application. */
export interface Way {
  readonly name: string;
  /** What docs/deploying.md tells people to write for it, where it does not work as it is. */
  readonly recipe?: string;
  readonly build: (job: BuildJob) => Promise<RunBuilt>;
  /** Builds it with the runtime taken along, where the recipe is about that. */
  readonly buildWithRuntime?: (job: BuildJob) => Promise<RunBuilt>;
}

/** The packages of the runtime that is installed here. */
export const runtimePackages = path.resolve(import.meta.dirname, "../../../node_modules/@openai");

/** The root of the file system: whatever is found from there was not found by the working directory. */
export const elsewhere = path.parse(process.cwd()).root;

/** Runs a program that prints its report. */
export function program(command: string, ...args: readonly string[]): RunBuilt {
  return async (env) => {
    const options = { cwd: elsewhere, env, timeout: 60_000 };
    const { stdout } = await promisify(execFile)(command, [...args], options);
    return JSON.parse(stdout) as Report;
  };
}
