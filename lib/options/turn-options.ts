import type { SandboxMode, SandboxPolicy, TurnStartParams } from "../../generated/types.js";
import type { AllowUndefined } from "../protocol.js";
import { type Traced } from "../jsonrpc/trace-context.js";
import { type OutputSchema } from "../schema/output-format.js";
import { type RequestHandlers } from "../server-requests/handlers.js";

/** Options of this library for a turn; only `trace` is sent to the server. */
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
   * How long the running turn may be silent (ms; default: no limit). After that the library asks the
   * server. If the turn is over, it ends with what the server says. If it runs, or the server does not
   * answer, `run()` and a waiting iteration reject with a TurnStalledError. The turn is not interrupted:
   * calling `run()` again, or iterating again, waits for another such period, and the iteration goes on
   * where it stopped. (`thread.run()` gives you no handle for that: use `thread.turn()`.)
   *
   * Any event of the turn or of its sub-agents counts as a sign of life, also a notice that the server
   * tries to reach the model again: `timeoutMs` ends such a turn. Three waits do not count as silence: for
   * the thread, for an answer of yours, such as an approval, and for a lost connection that is being
   * restored.
   */
  idleTimeoutMs?: number | undefined;
  /**
   * The effect of leaving a `for await` loop early: `"interrupt"` (default) stops the turn and waits for
   * its end; `"detach"` lets it run on.
   */
  onBreak?: "interrupt" | "detach" | undefined;
  /**
   * How much may wait for the consumer of the events (bytes, roughly; default 67,108,864). The server
   * cannot be asked to wait: beyond this, waiting events are dropped and iterating throws a
   * SlowConsumerError, while the turn goes on and `run()` gives its result. Text deltas that are read late
   * take little: those of the same text are merged. While only `run()` was called, at most 1 MiB is kept.
   */
  maxBacklogBytes?: number | undefined;
  /**
   * What to do when the thread already runs a turn, or works on an active goal. `"queue"` (default) waits
   * for the end; `"steer"` adds the input to the running turn, whose id and result both handles then
   * share; `"reject"` fails with a ThreadBusyError. `"steer"` also fails with one when the running turn
   * has a looser `approvalPolicy` or `approvalsReviewer` than these options name: it keeps its own
   * settings, and the named ones count from the next turn on.
   */
  whenBusy?: "queue" | "steer" | "reject" | undefined;
}

/**
 * Settings of the turn, as in `turn/start`. The server keeps most of them: model, sandbox, approval
 * policy and so on also apply to the thread's later turns. `undefined` sends nothing and changes
 * nothing; `null` is sent and clears.
 */
export interface TurnSettings extends Omit<TurnStartSettings, "sandboxPolicy" | "outputSchema"> {
  /** A name, as for threads, or a whole policy. */
  sandbox?: SandboxMode | SandboxPolicy | null | undefined;
}

/**
 * Options of a turn. Its handlers answer the server's requests in this turn; for the others, those of the
 * thread answer, then those of the client.
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

/**
 * Options of `thread.attachTurn()`. The handlers answer what the turn asks from now on, and what it has asked before and
 * nobody has answered.
 */
export interface AttachTurnOptions<Output = unknown>
  extends Omit<TurnControls, "whenBusy" | "onBreak">, RequestHandlers {
  /**
   * The effect of leaving a `for await` loop early: `"detach"` (default) lets the turn run on, since somebody else has
   * started it; `"interrupt"` stops it and waits for its end.
   */
  onBreak?: "interrupt" | "detach" | undefined;
  /**
   * How `run()` reads the answer: the schema with which the turn was started. It is not sent. Without it, `output` is
   * undefined.
   */
  outputSchema?: OutputSchema<Output> | null | undefined;
}

/** The settings as `turn/start` takes them. */
export type TurnStartSettings = AllowUndefined<Omit<TurnStartParams, "threadId" | "input">>;

export interface RunOptions {
  /** Whether `run()` throws a TurnFailedError for a failed turn (default), or returns its result. */
  throwOnFailure?: boolean | undefined;
}
