import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import { CommandNotStartedError } from "../../errors/machine-errors.js";
import { says, type SentenceName } from "../../errors/server-sentences.js";
import type { CommandResult } from "../../results/command-result.js";
import type { ExecOptions } from "./command-options.js";
import { execCommand } from "./exec-command.js";
import { Resource } from "../resource.js";

/** The sandbox to check, as in `exec` (default: that of the server's configuration). */
export interface SandboxCheckOptions extends Pick<
  ExecOptions,
  "sandbox" | "permissionProfile" | "cwd" | "signal"
> {
  /** How long the check may take (ms, default 30,000). */
  timeoutMs?: number | undefined;
}

/**
 * Why commands do not run in the sandbox. `"forbidden"`: the system does not let the server make one, as
 * in many containers. `"bubblewrapMissing"`: bubblewrap, which makes it on Linux, is missing.
 * `"pathMissing"`: a directory that the sandbox needs, such as one of its `writableRoots`, is missing.
 * `"runtimeMissing"`: the files of the runtime were moved or removed while the server ran. `"unknown"`:
 * `stderr` may tell.
 */
export type SandboxProblem =
  "forbidden" | "bubblewrapMissing" | "pathMissing" | "runtimeMissing" | "unknown";

/** The result of `sandbox.check()`. */
export type SandboxCheck =
  | { readonly works: true }
  | {
      readonly works: false;
      readonly reason: SandboxProblem;
      /** What is wrong, then what to do, in words for people. */
      readonly message: string;
      /** The exit code of the command; `null` when it was not even started. */
      readonly exitCode: number | null;
      /** The output of the sandbox on stderr. */
      readonly stderr: string;
    };

const checkKeys: KeysOf<SandboxCheckOptions> = {
  sandbox: true,
  permissionProfile: true,
  cwd: true,
  signal: true,
  timeoutMs: true,
};

/** The sandbox that the server puts commands in. */
export class Sandbox extends Resource {
  /**
   * Runs `true` in the sandbox (`command/exec`) and tells whether that worked. Where it does not, as in
   * containers that forbid namespaces, turns still complete, and each of their commands fails: so ask when
   * your process starts. It changes nothing, and asks no model.
   *
   * @throws InvalidArgumentError, `signal.reason`, or what `AppServerClient.request` throws. A sandbox
   * that does not work is no error.
   */
  async check(options: SandboxCheckOptions = {}): Promise<SandboxCheck> {
    checkOptions("sandbox.check()", options, checkKeys);
    try {
      return judge(await this.#exec(["true"], options));
    } catch (error) {
      if (!(error instanceof CommandNotStartedError)) throw error;
      if (error.missingRuntime !== undefined) return notStarted("runtimeMissing", error);
      return this.#checkOnWindows(options, error);
    }
  }

  /** Windows has no program of that name. */
  async #checkOnWindows(
    options: SandboxCheckOptions,
    first: CommandNotStartedError,
  ): Promise<SandboxCheck> {
    try {
      return judge(await this.#exec(["cmd.exe", "/d", "/c", "exit 0"], options));
    } catch (error) {
      if (error instanceof CommandNotStartedError) return notStarted("unknown", first);
      throw error;
    }
  }

  async #exec(command: readonly string[], options: SandboxCheckOptions): Promise<CommandResult> {
    const { timeoutMs = 30_000 } = options;
    const all = { ...options, timeoutMs, streamOutput: false };
    return execCommand(this.getSession, command, all).exit;
  }
}

/** Sentences of the programs that make a sandbox; the first one found tells the reason. */
const reasons = [
  ["bubblewrapMissing", "bubblewrapMissing"],
  ["sandboxPathMissing", "pathMissing"],
  ["sandboxForbidden", "forbidden"],
] as const satisfies readonly (readonly [SentenceName, SandboxProblem])[];

function judge({ exitCode, stderr, timedOut }: CommandResult): SandboxCheck {
  if (exitCode === 0 || says(stderr, "programMissingInSandbox")) return { works: true };
  const reason = reasons.find(([sentence]) => says(stderr, sentence))?.[1];
  const how = timedOut ? "took longer than timeoutMs" : `ended with exit code ${exitCode}`;
  return {
    works: false,
    reason: reason ?? "unknown",
    message: reason ? advice[reason] : `The simplest command in the sandbox ${how}.`,
    exitCode,
    stderr,
  };
}

function notStarted(reason: SandboxProblem, { message }: CommandNotStartedError): SandboxCheck {
  return { works: false, reason, message, exitCode: null, stderr: "" };
}

const advice = {
  forbidden:
    "The system does not let the server make a sandbox, so every command in one fails. In a container, allow " +
    'namespaces, or let the container be the sandbox (sandbox_mode = "danger-full-access"): docs/runtime.md, ' +
    '"In containers", says how.',
  bubblewrapMissing:
    "bubblewrap, which makes the sandbox on Linux, is missing, so every command in one fails. Install the " +
    "whole runtime, or bubblewrap with the package manager of the system.",
  pathMissing:
    "A directory that this sandbox needs is missing, or is not a directory, so every command in it fails; " +
    "stderr names it. Make it, or take it out of the sandbox's writableRoots.",
} as const;
