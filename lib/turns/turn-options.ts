import type { SandboxMode, SandboxPolicy, TurnStartParams } from "../../generated/types.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import type { AllowUndefined } from "../protocol.js";

/** How this library runs a turn; nothing here is sent to the server. */
export interface TurnControls {
  /**
   * Covers the whole turn, waiting in the queue included: aborting interrupts it, and `run()` and
   * iteration reject with `signal.reason`.
   */
  signal?: AbortSignal | undefined;
  /**
   * How long the turn may take, from this call to its end (ms; default: no limit). Then it is
   * interrupted and `run()` and iteration reject with a TurnTimeoutError. A turn whose model is
   * unreachable is retried by the server without end: set this when nobody watches.
   */
  timeoutMs?: number | undefined;
  /**
   * What leaving a `for await` loop early does: `"interrupt"` (default) stops the turn and waits
   * for its end; `"detach"` lets it run on.
   */
  onBreak?: "interrupt" | "detach" | undefined;
  /**
   * What to do when the thread already runs a turn. `"queue"` (default) waits for its end;
   * `"steer"` adds the input to the running turn, whose id and result both handles then share;
   * `"reject"` fails with a ThreadBusyError.
   */
  whenBusy?: "queue" | "steer" | "reject" | undefined;
}

/**
 * Settings of the turn, as in `turn/start`. The server keeps most of them: model, sandbox, approval
 * policy and so on also apply to the thread's later turns; `outputSchema` does not. `undefined` sends nothing and changes nothing; `null` is sent and clears.
 */
export interface TurnSettings extends Omit<TurnStartSettings, "sandboxPolicy"> {
  /** The same names as for threads, or a whole policy. */
  sandbox?: SandboxMode | SandboxPolicy | null | undefined;
}

export interface TurnOptions extends TurnControls, TurnSettings {}

/** The settings as `turn/start` takes them. */
export type TurnStartSettings = AllowUndefined<Omit<TurnStartParams, "threadId" | "input">>;

export interface RunOptions {
  /** Whether `run()` throws a TurnFailedError for a failed turn (default), or returns its result. */
  throwOnFailure?: boolean | undefined;
}

/** Separates what the library needs from what the server gets, and checks the former. */
export function splitTurnOptions(options: TurnOptions): {
  controls: TurnControls;
  settings: TurnStartSettings;
} {
  const { signal, timeoutMs, onBreak, whenBusy, sandbox, ...rest } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0)) {
    throw new InvalidArgumentError("timeoutMs", "must be a positive number of milliseconds");
  }
  checkChoice("onBreak", onBreak, ["interrupt", "detach"]);
  checkChoice("whenBusy", whenBusy, ["queue", "steer", "reject"]);
  const settings =
    sandbox === undefined ? rest : { ...rest, sandboxPolicy: toSandboxPolicy(sandbox) };
  return { controls: { signal, timeoutMs, onBreak, whenBusy }, settings };
}

function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value)) {
    const quoted = choices.map((choice) => JSON.stringify(choice)).join(", ");
    throw new InvalidArgumentError(name, `must be one of ${quoted}`);
  }
}

/** Threads take a mode's name, turns a policy object: here one set of names serves both. */
function toSandboxPolicy(sandbox: SandboxMode | SandboxPolicy | null): SandboxPolicy | null {
  if (typeof sandbox !== "string") return sandbox;
  switch (sandbox) {
    case "read-only":
      return { type: "readOnly", networkAccess: false };
    case "workspace-write":
      return {
        type: "workspaceWrite",
        writableRoots: [],
        networkAccess: false,
        excludeTmpdirEnvVar: false,
        excludeSlashTmp: false,
      };
    case "danger-full-access":
      return { type: "dangerFullAccess" };
    default:
      throw new InvalidArgumentError(
        "sandbox",
        'must be "read-only", "workspace-write", "danger-full-access" or a sandbox policy',
      );
  }
}
