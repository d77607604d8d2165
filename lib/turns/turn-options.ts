import { turnStartParamsKeys } from "../../generated/methods.js";
import type {
  JsonValue,
  SandboxMode,
  SandboxPolicy,
  TurnStartParams,
} from "../../generated/types.js";
import { checkSignal } from "../checks.js";
import { pickKeys, withoutKeys } from "../errors/check-options.js";
import { checkSandbox } from "../errors/check-safety.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { checkTurnOptions } from "../option-keys.js";
import type { AllowUndefined } from "../protocol.js";
import { withReadableImages } from "../readable-images.js";
import { checkTrace, type Traced } from "../rpc/trace-context.js";
import { toOutputFormat, type OutputFormat, type OutputSchema } from "../schema/output-format.js";
import { splitHandlers, type RequestHandlers } from "../server-requests/handlers.js";
import { checkMaxBacklogBytes } from "./event-backlog.js";

/** How this library runs a turn; nothing here but `trace` is sent to the server. */
export interface TurnControls extends Traced {
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
   * How long nothing may come of the running turn (ms; default: no limit). Then the server is asked:
   * if the turn is over, it ends with what the server says; if it runs, or the server does not
   * answer, `run()` and a waiting iteration reject with a TurnStalledError. The turn is not
   * interrupted: calling `run()` again, or iterating again, waits for another such period, and the
   * iteration goes on where it stopped. (`thread.run()` gives you no handle to do that with: use
   * `thread.turn()`.)
   *
   * Any event of the turn or of its sub-agents counts, also that the server tries to reach the model
   * again: what ends that is `timeoutMs`. The wait for the thread does not count, nor does the time
   * in which the server waits for an answer of yours, such as an approval, or in which a lost
   * connection is restored.
   */
  idleTimeoutMs?: number | undefined;
  /**
   * What leaving a `for await` loop early does: `"interrupt"` (default) stops the turn and waits
   * for its end; `"detach"` lets it run on.
   */
  onBreak?: "interrupt" | "detach" | undefined;
  /**
   * How much may wait for the consumer of the events (bytes, roughly; default 67,108,864). The server
   * cannot be asked to wait: beyond this, what waits is dropped and iterating throws a
   * SlowConsumerError, while the turn goes on and `run()` gives its result. Text deltas that are read
   * late take little: those that go on with the same text are merged. While only `run()` was called, 1 MiB
   * at most is kept.
   */
  maxBacklogBytes?: number | undefined;
  /**
   * What to do when the thread already runs a turn, or works on an active goal. `"queue"` (default)
   * waits for the end; `"steer"` adds the input to the running turn, whose id and result both handles then share;
   * `"reject"` fails with a ThreadBusyError. So does `"steer"` when the running turn has a looser
   * `approvalPolicy` or `approvalsReviewer` than these options name: it keeps its own settings, and what
   * is named counts from the next turn on.
   */
  whenBusy?: "queue" | "steer" | "reject" | undefined;
}

/**
 * Settings of the turn, as in `turn/start`. The server keeps most of them: model, sandbox, approval
 * policy and so on also apply to the thread's later turns. `undefined` sends nothing and changes
 * nothing; `null` is sent and clears.
 */
export interface TurnSettings extends Omit<TurnStartSettings, "sandboxPolicy" | "outputSchema"> {
  /** The same names as for threads, or a whole policy. */
  sandbox?: SandboxMode | SandboxPolicy | null | undefined;
}

/**
 * Who answers the server's requests in this turn is decided by its handlers; those that are not
 * given here are the thread's, then the client's.
 */
export interface TurnOptions<Output = unknown> extends TurnControls, TurnSettings, RequestHandlers {
  /**
   * The shape of the answer, for this turn only; the result's `output` is the answer, parsed and
   * checked. A Standard Schema that can write itself as JSON Schema (Zod 4, ArkType, Valibot with
   * `toStandardJsonSchema`), or plain JSON Schema, of which types, enumerations, properties, items,
   * unions, references and the usual limits are checked.
   *
   * It is prepared for strict mode: objects are closed, and what is optional is asked for as
   * something that may be null; those nulls are taken out again. Records, tuples, intersections and
   * values of any type cannot be expressed.
   *
   * With `whenBusy: "steer"`, a turn that runs with another schema, or with none, is not joined: it
   * fails with a ThreadBusyError.
   */
  outputSchema?: OutputSchema<Output> | null | undefined;
}

/** Options of a turn whose answer is plain text. */
export type WithoutOutput<Options> = Options & { outputSchema?: null | undefined };

/** Options of a turn that takes no input and no settings: a review, a compaction, a shell command. */
export interface ServiceTurnOptions extends Omit<TurnControls, "whenBusy">, RequestHandlers {
  /**
   * What to do when the thread already runs a turn, or works on an active goal. `"queue"` (default) waits for the end;
   * `"reject"` fails with a ThreadBusyError.
   */
  whenBusy?: "queue" | "reject" | undefined;
}

/** The settings as `turn/start` takes them. */
export type TurnStartSettings = AllowUndefined<Omit<TurnStartParams, "threadId" | "input">>;

const settingKeys = withoutKeys(
  turnStartParamsKeys,
  "threadId",
  "input",
  "sandboxPolicy",
  "outputSchema",
);

export interface RunOptions {
  /** Whether `run()` throws a TurnFailedError for a failed turn (default), or returns its result. */
  throwOnFailure?: boolean | undefined;
}

interface SplitOptions {
  controls: TurnControls;
  handlers: RequestHandlers | undefined;
  settings: TurnStartSettings;
  /** How to read the answer; undefined when it is plain text. */
  output: OutputFormat | undefined;
}

/** Separates what the library needs from what the server gets, and checks the former. */
export function splitTurnOptions(options: TurnOptions): SplitOptions {
  return split(checkTurnOptions(options));
}

function split(options: TurnOptions & Pick<TurnStartSettings, "sandboxPolicy">): SplitOptions {
  const { handlers, rest: others } = splitHandlers(options);
  const { signal, timeoutMs, idleTimeoutMs, onBreak, maxBacklogBytes, whenBusy, trace, ...asked } =
    others;
  const { outputSchema } = asked;
  checkSignal(signal);
  checkMs("timeoutMs", timeoutMs);
  checkMs("idleTimeoutMs", idleTimeoutMs);
  checkMaxBacklogBytes(maxBacklogBytes);
  checkTrace(trace);
  checkChoice("onBreak", onBreak, ["interrupt", "detach"]);
  checkChoice("whenBusy", whenBusy, ["queue", "steer", "reject"]);
  const output =
    outputSchema === undefined || outputSchema === null ? undefined : toOutputFormat(outputSchema);
  const settings = {
    ...pickKeys(asked, settingKeys),
    ...(asked.toolOutput && { toolOutput: withReadableImages(asked.toolOutput, "toolOutput") }),
    ...sandboxIn(asked),
    ...(outputSchema === undefined ? {} : { outputSchema: (output?.schema ?? null) as JsonValue }),
  };
  const controls = { signal, timeoutMs, idleTimeoutMs, onBreak, maxBacklogBytes, whenBusy, trace };
  return { controls, handlers, settings, output };
}

/** The same for a turn that takes no settings; its caller has checked which options there are. */
export function splitServiceOptions(
  options: ServiceTurnOptions,
): Pick<SplitOptions, "controls" | "handlers"> {
  checkChoice("whenBusy", options.whenBusy, ["queue", "reject"]);
  const { controls, handlers } = split(options);
  return { controls, handlers };
}

function checkMs(name: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && value > 0)) return;
  throw new InvalidArgumentError(name, "must be a positive number of milliseconds");
}

function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value)) {
    const quoted = choices.map((choice) => JSON.stringify(choice)).join(", ");
    throw new InvalidArgumentError(name, `must be one of ${quoted}`);
  }
}

/**
 * The sandbox as `turn/start` and `thread/settings/update` take it. Its name there, `sandboxPolicy`, is also
 * that in which the server tells the settings of a thread.
 *
 * @throws InvalidArgumentError
 */
export function sandboxIn({ sandbox, sandboxPolicy }: GivenSandbox): SandboxOnWire {
  if (sandbox !== undefined) return { sandboxPolicy: toSandboxPolicy(sandbox) };
  if (sandboxPolicy === undefined) return {};
  return { sandboxPolicy: toSandboxPolicy(sandboxPolicy, "sandboxPolicy") };
}

interface GivenSandbox {
  readonly sandbox?: SandboxMode | SandboxPolicy | null | undefined;
  readonly sandboxPolicy?: SandboxPolicy | null | undefined;
}

interface SandboxOnWire {
  readonly sandboxPolicy?: SandboxPolicy | null;
}

/**
 * Threads take a mode's name, turns a policy object: here one set of names serves both.
 *
 * @throws InvalidArgumentError for what is neither.
 */
export function toSandboxPolicy(
  sandbox: SandboxMode | SandboxPolicy | null,
  argument = "sandbox",
): SandboxPolicy | null {
  checkSandbox(argument, sandbox);
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
      return sandbox;
  }
}
