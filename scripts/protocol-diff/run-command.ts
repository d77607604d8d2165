import { spawn } from "node:child_process";

export interface RunOptions {
  readonly cwd: string;
  /** Ends the program, and rejects with the signal's reason once it has ended. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program to its end and resolves with its stdout; rejects when it fails. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  options: RunOptions,
) => Promise<string>;

/** What a program that failed has said, without npm's warnings, at most ten lines. */
export class CommandFailedError extends Error {
  readonly stderr: string;

  constructor(command: string, args: readonly string[], code: number | null, stderr: string) {
    const said = stderr
      .split("\n")
      .filter((line) => line.trim() !== "" && !line.startsWith("npm warn"))
      .slice(0, 10)
      .join("\n");
    super(`${command} ${args.join(" ")} failed with code ${String(code)}:\n${said}`);
    this.stderr = stderr;
  }
}

export const runCommand: RunCommand = (command, args, { cwd, signal }) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const [file, ...before] = command === "npm" ? npmCommand() : [command];
    const child = spawn(file, [...before, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const stop = (): void => void child.kill();
    signal?.addEventListener("abort", stop, { once: true });
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.once("error", (error) => {
      signal?.removeEventListener("abort", stop);
      reject(new Error(`${command} could not be started: ${error.message}`));
    });
    // Not "exit": what it was killed in the middle of must not be written to any more.
    child.once("close", (code) => {
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) reject(signal.reason as Error);
      else if (code === 0) resolve(Buffer.concat(stdout).toString());
      else reject(new CommandFailedError(command, args, code, Buffer.concat(stderr).toString()));
    });
  });

/** Under `npm run`, the very npm that runs us; Windows could not start its npm.cmd by itself. */
function npmCommand(): [string, ...string[]] {
  const script = process.env.npm_execpath;
  return script?.endsWith("npm-cli.js") ? [process.execPath, script] : ["npm"];
}
