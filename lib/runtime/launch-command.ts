import { stat } from "node:fs/promises";
import type { Runtime } from "./find-runtime.js";

/** A command line of the caller's own. */
export interface LaunchCommandLine {
  readonly command: string;
  /** Default: none. */
  readonly args?: readonly string[] | undefined;
  /**
   * Whether the process gets a session and a process group of its own (default true). Then a Ctrl-C on
   * the terminal reaches this process alone, which decides what becomes of its turns. With `false` it
   * shares the terminal: a command that asks for a password, such as ssh or sudo, can do so, and a
   * Ctrl-C ends it. Without effect on Windows, where a process is always in the console of this one.
   */
  readonly detached?: boolean | undefined;
}

/** A process to start: everything resolved, nothing left to look up. */
export interface LaunchCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute path, or `undefined` for this process's working directory. */
  readonly cwd: string | undefined;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it leads a process group of its own, apart from this process's terminal. */
  readonly detached: boolean;
  /** The option or place that decided on the command. */
  readonly source: Runtime["source"] | "launch";
}

/**
 * Whether the file is no longer where the server was started from. A running server starts itself again for
 * each command in a sandbox.
 */
export async function isGone(runtimeFile: string): Promise<boolean> {
  const code = await stat(runtimeFile).then(
    () => undefined,
    (error: unknown) => (error as NodeJS.ErrnoException).code,
  );
  return code === "ENOENT" || code === "ENOTDIR";
}
