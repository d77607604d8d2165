import { throwIfAborted } from "../../async/abort.js";
import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import { check, checkFields, flag, milliseconds } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import { readPartOptions, type PartVisibility } from "../../parts/part-options.js";
import { builtinTools } from "./builtin-tools.js";
import { HarnessSession } from "./harness-session.js";
import { isCodexSandbox } from "./create-codex-sandbox.js";
import { permissionsOf } from "./harness-permissions.js";
import { harnessId, readState, stateSchema } from "./harness-state.js";
import {
  harnessOwnSettings,
  HarnessThread,
  type HarnessSource,
  type HarnessThreadOptions,
} from "./harness-thread.js";
import { HarnessTurns } from "./harness-turns.js";
import type { CodexHarness, HarnessStartOptions } from "./harness-types.js";
import { unsupported } from "./unsupported.js";

export interface CodexHarnessOptions {
  /** The client that runs the threads. It stays yours to close. */
  readonly codex: HarnessSource;
  /** Settings of the threads, such as `sandbox`. Directory, tools and who is asked are those of the session. */
  readonly thread?: HarnessThreadOptions | undefined;
  /** What is shown of the tools of Codex, and of its reasoning. */
  readonly show?: Omit<PartVisibility, "toolArguments" | "subagents"> | undefined;
  /**
   * How long the host may take to answer what a turn has asked, a person's approval included (ms; default 600,000).
   * Then the turn is interrupted. A turn that is suspended waits without a limit.
   */
  readonly answerTimeoutMs?: number | undefined;
  /**
   * Whether a session's tools may be others with a later turn (default false). Then each thread has one tool more,
   * through which the model calls those that are new. Without it, such a turn is refused.
   */
  readonly toolsMayChange?: boolean | undefined;
}

const keys: KeysOf<CodexHarnessOptions> = {
  codex: true,
  thread: true,
  show: true,
  answerTimeoutMs: true,
  toolsMayChange: true,
};

/**
 * Codex as a harness for `HarnessAgent` of the AI SDK (`@ai-sdk/harness`, version 7 of the AI SDK). Make one, and keep
 * it: it knows the turns that wait for the host.
 *
 * ```ts
 * const codex = new Codex();
 * const agent = new HarnessAgent({
 *   harness: createCodexHarness({ codex }),
 *   sandbox: createCodexSandbox({ codex, directory: "/srv/agents" }),
 *   permissionMode: "allow-edits",
 * });
 * ```
 *
 * @experimental as the interface is that it implements.
 * @throws InvalidArgumentError
 */
export function createCodexHarness(options: CodexHarnessOptions): CodexHarness {
  checkOptions("createCodexHarness()", options, keys);
  const { codex, thread: given = {}, show, answerTimeoutMs = 600_000 } = options;
  const { toolsMayChange = false } = options;
  check("codex", codex, { fits: isSource, problem: "must be a Codex, or what behaves like one" });
  checkFields(
    { answerTimeoutMs, toolsMayChange },
    { answerTimeoutMs: milliseconds, toolsMayChange: flag },
  );
  readPartOptions("createCodexHarness()", show ? { show } : {});
  for (const name of harnessOwnSettings) {
    if (!(name in given)) continue;
    throw new InvalidArgumentError(
      `thread.${name}`,
      "must not be given: sessions of HarnessAgent decide it",
    );
  }
  const turns = new HarnessTurns();
  const places = {
    files: codex.files,
    exec: (...call: Parameters<HarnessSource["exec"]>) => codex.exec(...call),
  };
  return {
    specificationVersion: "harness-v1",
    harnessId,
    builtinTools,
    supportsBuiltinToolApprovals: true,
    supportsBuiltinToolFiltering: true,
    lifecycleStateSchema: stateSchema,
    doStart: async (start: HarnessStartOptions) => {
      const { sessionId, sessionWorkDir: cwd, abortSignal, resumeFrom, continueFrom } = start;
      throwIfAborted(abortSignal);
      checkPlace(start);
      const permissions = permissionsOf(start, given, places);
      const unfinished = continueFrom ?? resumeFrom?.continueFrom;
      const state = readState(unfinished ?? resumeFrom);
      const settings = { codex, options: given, permissions, turns, cwd, toolsMayChange };
      const thread = new HarnessThread(settings, state);
      // A turn that runs, or that waits, keeps the settings that it began with.
      if (unfinished === undefined) await thread.resume();
      return new HarnessSession({
        ...{ sessionId, isResume: state !== undefined, thread, permissions, turns, show },
        answerTimeoutMs,
        unfinished: unfinished && state?.turn,
        compactions: state?.compactions,
      });
    },
  };
}

/** @throws InvalidArgumentError for a sandbox that the agent would not be in. */
function checkPlace({ sandboxSession, headers }: HarnessStartOptions): void {
  if (!isCodexSandbox(sandboxSession)) {
    throw unsupported(
      "sandboxSession",
      "must be one of createCodexSandbox(): Codex runs where its server runs, not in this sandbox",
    );
  }
  if (headers && Object.keys(headers).length > 0) {
    throw unsupported("headers", "cannot be given; set model_providers in thread.config instead");
  }
}

function isSource(value: unknown): boolean {
  const { startThread, resumeThread, thread, exec, files } = (value ??
    {}) as Partial<HarnessSource>;
  const functions = [startThread, resumeThread, thread, exec];
  return functions.every((each) => typeof each === "function") && typeof files === "object";
}
