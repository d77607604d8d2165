import path from "node:path";
import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import { check, checkFields, notBlank, oneOf } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import { CodexSandboxSession, type SandboxSource } from "./codex-sandbox-session.js";
import type { HarnessSandbox, HarnessSandboxSession } from "./sandbox-types.js";

export interface CodexSandboxOptions {
  /** The client whose machine it is: that of the harness. */
  readonly codex: SandboxSource;
  /**
   * A directory of the server's machine, absolute; it is made if it is not there. Sessions have directories in it,
   * `codex-<sessionId>`, or the one that `sandboxConfig.workDir` names. They stay when a session is destroyed.
   */
  readonly directory: string;
  /**
   * What commands of the host's tools may do (default `"workspace-write"`: read everything, write in `directory` alone,
   * no network). The agent's own commands have the sandbox of their thread, as `createCodexHarness()` says.
   */
  readonly commands?: "workspace-write" | "danger-full-access" | undefined;
}

const keys: KeysOf<CodexSandboxOptions> = { codex: true, directory: true, commands: true };

/**
 * The machine of a `Codex` as the sandbox of `HarnessAgent`: files below one directory, and commands in the sandbox of
 * Codex (`command/exec`). It is no virtual machine: commands can read what the server's user can. What it cannot keep
 * apart, it refuses: paths outside the directory or through links, ports, and rules for single hosts.
 *
 * @experimental as the interface is that it implements.
 * @throws InvalidArgumentError
 */
export function createCodexSandbox(options: CodexSandboxOptions): HarnessSandbox {
  checkOptions("createCodexSandbox()", options, keys);
  const { codex, directory, commands = "workspace-write" } = options;
  check("codex", codex, { fits: isSource, problem: "must be a Codex, or what behaves like one" });
  checkFields(
    { directory, commands },
    { directory: notBlank, commands: oneOf("workspace-write", "danger-full-access") },
  );
  if (!path.posix.isAbsolute(directory) && !path.win32.isAbsolute(directory)) {
    throw new InvalidArgumentError("directory", "must be absolute");
  }
  const session = (id: string): Promise<HarnessSandboxSession> =>
    Promise.resolve(new CodexSandboxSession({ codex, directory, commands, id }));
  return {
    specificationVersion: "harness-sandbox-v1",
    providerId: "codex",
    createSession: async ({ sessionId, onFirstCreate, abortSignal } = {}) => {
      // A command that begins in a directory that is not there fails without a word about it.
      await codex.files.mkdir(directory, { recursive: true, signal: abortSignal });
      const created = await session(sessionId ?? globalThis.crypto.randomUUID());
      await onFirstCreate?.(created.restricted(), abortSignal ? { abortSignal } : {});
      return created;
    },
    resumeSession: ({ sessionId }) => session(sessionId),
  };
}

/** Whether it was made here: whatever else the host has, Codex would not be in it. */
export function isCodexSandbox(value: unknown): boolean {
  return value instanceof CodexSandboxSession;
}

function isSource(value: unknown): boolean {
  const { exec, files } = (value ?? {}) as Partial<SandboxSource>;
  return typeof exec === "function" && typeof files === "object";
}
