import type { ThreadItem, TurnStatus } from "../../generated/types.js";
import type { TurnResult } from "../results/turn-result.js";
import type { TurnState } from "../results/turn-state.js";
import type { OutputFormat } from "../schema/output-format.js";
import type { UsageLedger } from "../usage/usage-ledger.js";
import { OutputMismatchError } from "./turn-errors.js";
import { itemsInOrder } from "./turn-items.js";

/** The result as far as the turn has come; `usage` knows what its sub-agents have used. */
export function toTurnResult(state: TurnState, usage?: UsageLedger): TurnResult {
  const { id, threadId, status, error, warnings, startedAt, completedAt, durationMs } = state;
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
    usage: state.usage,
    usageWithSubagents: usage?.summaryOf(id) ?? null,
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
export function finalResponse(items: readonly ThreadItem[]): string | null {
  const messages = items.filter((item) => item.type === "agentMessage");
  const answer =
    messages.findLast((message) => message.phase === "final_answer") ??
    messages.findLast((message) => message.phase !== "commentary");
  return answer?.text ?? null;
}

/**
 * What the answer of a completed turn says, as its `outputSchema` gives it back.
 *
 * @throws OutputMismatchError, or what the schema's own functions throw.
 */
export async function readOutput(format: OutputFormat, result: TurnResult): Promise<unknown> {
  if (result.finalResponse === null) throw new OutputMismatchError("noAnswer", result);
  const json = parse(result.finalResponse);
  if (json === undefined) throw new OutputMismatchError("notJson", result);
  const { value, issues } = { value: undefined, ...(await format.read(json)) };
  if (issues) throw new OutputMismatchError("invalid", result, issues);
  return value;
}

/** The error of `JSON.parse` would quote the text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
