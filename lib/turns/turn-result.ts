import type { ThreadItem, TurnError, TurnStatus } from "../../generated/types.js";
import { itemsInOrder } from "./turn-items.js";
import type { TurnState } from "./turn-state.js";
import type { TurnUsage } from "./turn-usage.js";
import type { TurnWarning } from "./turn-warnings.js";

/**
 * A finished turn. Look at `status`: an interrupted turn has a result too. Of a turn with an
 * `outputSchema`, `status === "completed"` also tells the type of `output`.
 */
export type TurnResult<Output = unknown> = TurnFacts & TurnOutcome<Output>;

/** How the turn ended: `"completed"`, `"interrupted"` or `"failed"`. */
export type TurnOutcome<Output = unknown> =
  | {
      readonly status: "completed";
      /** The answer, parsed and checked by `outputSchema`; undefined for a turn without one. */
      readonly output: Output;
    }
  | { readonly status: Exclude<TurnStatus, "completed">; readonly output: undefined };

/** What a result has, however the turn ended. */
export interface TurnFacts {
  /** The turn's id; empty when the turn was stopped before it was sent. */
  readonly id: string;
  readonly threadId: string;
  /** Why the turn failed; `null` unless `status` is `"failed"`. */
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
   * What the server has warned of meanwhile, as in `turn.state`: a turn that is completed, and could not
   * be saved because the disk is full, is told by nothing else.
   */
  readonly warnings: readonly TurnWarning[];
  /** Token counts; `null` when the model reported none. */
  readonly usage: TurnUsage | null;
  /** Unix time in seconds. */
  readonly startedAt: number | null;
  /** Unix time in seconds. */
  readonly completedAt: number | null;
  /** Milliseconds from start to end. */
  readonly durationMs: number | null;
}

/** The result as far as the turn has come. */
export function toTurnResult(state: TurnState): TurnResult {
  const { id, threadId, status, error, warnings, usage, startedAt, completedAt, durationMs } =
    state;
  const openItems = state.openItems.map((item) => closed(item, status));
  return {
    id,
    threadId,
    status,
    output: undefined,
    error,
    finalResponse: finalResponse(state.items),
    items: itemsInOrder({ ...state, openItems }),
    warnings,
    usage,
    startedAt,
    completedAt,
    durationMs,
  };
}

/**
 * The server does not complete every item it starts. What a turn that was cut short left "in
 * progress" has failed; in a completed turn such an item, a background command say, really goes on.
 */
function closed(item: ThreadItem, status: TurnStatus): ThreadItem {
  const cutShort = status === "interrupted" || status === "failed";
  if (!cutShort || !("status" in item) || item.status !== "inProgress") return item;
  return { ...item, status: "failed" };
}

/** Only completed messages count: one that was cut, by a steer say, is no answer. */
function finalResponse(items: readonly ThreadItem[]): string | null {
  const messages = items.filter((item) => item.type === "agentMessage");
  const answer =
    messages.findLast((message) => message.phase === "final_answer") ??
    messages.findLast((message) => message.phase !== "commentary");
  return answer?.text ?? null;
}
