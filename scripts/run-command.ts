import { spawn, type ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunOptions {
  readonly cwd: string;
  /**
   * Ends the program and everything that it has started, and rejects with the signal's reason once
   * they have ended: what a program was in the middle of must not be written to any more.
   */
  readonly signal?: AbortSignal | undefined;
  /** Passes what the program prints on to this process's output, instead of keeping it. */
  readonly shown?: boolean | undefined;
  /** Gets what the program prints, on stderr, too, as it comes. */
  readonly onOutput?: ((text: string) => void) | undefined;
  /** Is told the process id. With a `signal` and not on Windows it is that of a process group, too. */
  readonly onStart?: ((pid: number) => void) | undefined;
}

/** Runs a program to its end and resolves with its stdout; rejects when it fails. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  options: RunOptions,
) => Promise<string>;

/** How long a program may take to end by itself when it is told to (ms). */
const grace = 5_000;

/** A program that ended with another code than 0. The message has at most ten lines of its stderr. */
export class CommandFailedError extends Error {
  constructor(
    command: string,
    args: readonly string[],
    code: number | null,
    readonly stdout: string,
    stderr: string,
  ) {
    const said = stderr
      .split("\n")
      .filter((line) => line.trim() !== "" && !line.startsWith("npm warn"))
      .slice(0, 10)
      .join("\n");
    super(`${command} ${args.join(" ")} failed with code ${String(code)}:\n${said}`);
  }
}

export const runCommand: RunCommand = (command, args, { cwd, signal, shown, onOutput, onStart }) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const [file, ...before] = command === "npm" ? npmCommand() : [command];
    // A group of its own: so Ctrl-C reaches this process alone, and this process ends the whole group.
    const isGroup = signal !== undefined && process.platform !== "win32";
    const output = shown ? "inherit" : "pipe";
    const stdio = ["ignore", output, output] as const;
    const child = spawn(file, [...before, ...args], { cwd, stdio: [...stdio], detached: isGroup });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const stop = (): void => {
      endGroup(child, isGroup);
    };
    signal?.addEventListener("abort", stop, { once: true });
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => onOutput?.(chunk.toString()));
    }
    child.once("spawn", () => {
      if (child.pid !== undefined) onStart?.(child.pid);
    });
    child.once("error", (error) => {
      signal?.removeEventListener("abort", stop);
      reject(new Error(`${command} could not be started: ${error.message}`));
    });
    child.once("close", (code) => {
      signal?.removeEventListener("abort", stop);
      const [out, err] = [stdout, stderr].map((chunks) => Buffer.concat(chunks).toString());
      if (signal?.aborted) {
        void groupEnd(child, isGroup).then(() => {
          reject(signal.reason as Error);
        });
      } else if (code === 0) resolve(out ?? "");
      else reject(new CommandFailedError(command, args, code, out ?? "", err ?? ""));
    });
  });

function endGroup(child: ChildProcess, isGroup: boolean): void {
  const { pid } = child;
  if (pid === undefined) return;
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(isGroup ? -pid : pid, signal);
    } catch {
      // All of them have ended.
    }
  };
  kill("SIGTERM");
  const timer = setTimeout(() => {
    kill("SIGKILL");
  }, grace);
  child.once("exit", () => {
    // What it started may be deaf, and hold the pipes that "close" waits for.
    if (isGroup) kill("SIGKILL");
  });
  child.once("close", () => {
    clearTimeout(timer);
  });
}

/** Resolves when nothing of a group is left: what was killed is not gone at once. */
async function groupEnd({ pid }: ChildProcess, isGroup: boolean): Promise<void> {
  if (!isGroup || pid === undefined) return;
  const deadline = performance.now() + 1_000;
  while (performance.now() < deadline) {
    try {
      process.kill(-pid, 0);
    } catch {
      return;
    }
    await sleep(10);
  }
}

/**
 * Under `npm run`, the very npm that runs us; Windows could not start its npm.cmd by itself. Under
 * `npm run --silent` it would be silent, too, and its errors say what is wrong.
 */
function npmCommand(): [string, ...string[]] {
  const script = process.env.npm_execpath;
  const npm = script?.endsWith("npm-cli.js") ? ([process.execPath, script] as const) : ["npm"];
  const [file = "npm", ...before] = npm;
  return [file, ...before, "--loglevel=error"];
}
