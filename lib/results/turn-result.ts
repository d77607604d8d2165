import type { TurnError, ThreadItem, TurnStatus } from "../../generated/types.js";
import type { TurnUsage, TurnWarning } from "./turn-state.js";
import type { UsageSummary } from "./turn-tokens.js";

/**
 * A finished turn. Look at `status`: an interrupted turn has a result too. Of a turn with an
 * `outputSchema`, `status === "completed"` also tells the type of `output`.
 */
export type TurnResult<Output = unknown> = TurnFacts & TurnOutcome<Output>;
/** The end of the turn: `"completed"`, `"interrupted"` or `"failed"`. */
export type TurnOutcome<Output = unknown> =
  | {
      readonly status: "completed";
      /** The answer, parsed and checked by `outputSchema`; undefined for a turn without one. */
      readonly output: Output;
    }
  | { readonly status: Exclude<TurnStatus, "completed">; readonly output: undefined };
/** The parts of a result that every turn has, however it ended. */
export interface TurnFacts {
  /** The turn's id; empty when the turn was stopped before it was sent. */
  readonly id: string;
  readonly threadId: string;
  /** The error of a failed turn; `null` unless `status` is `"failed"`. */
  readonly error: TurnError | null;
  /**
   * The assistant's answer: the last message marked as the final answer, else the last message
   * without a mark; `null` when there is none. Commentary never counts.
   */
  readonly finalResponse: string | null;
  /**
   * Everything the turn produced, the user's message included, in the order in which it began. Items
   * that the server left open are among them, such as a message that was cut by a steer, with the text
   * that came of it; see the docs for how they are closed.
   */
  readonly items: readonly ThreadItem[];
  /**
   * The server's warnings, as in `turn.state`. Only these tell that a completed turn could not be saved
   * because the disk is full.
   */
  readonly warnings: readonly TurnWarning[];
  /** Token counts of the turn itself; `null` when the model reported none. */
  readonly usage: TurnUsage | null;
  /**
   * The tokens of the turn and of all that its sub-agents, and theirs, have used for it so far, by model; `null` when
   * nobody has reported any. See docs/usage.md for what is not known to anybody.
   */
  readonly usageWithSubagents: UsageSummary | null;
  /** Unix time in seconds. */
  readonly startedAt: number | null;
  /** Unix time in seconds. */
  readonly completedAt: number | null;
  /** Milliseconds from start to end. */
  readonly durationMs: number | null;
}
