import type { ModelEvent } from "../sse-format.js";
import { eventsPart, type ReplyPart } from "./reply.js";

export interface ReasoningOptions {
  /** Raw reasoning text, one string a part. The server forwards it only when raw reasoning is on. */
  readonly raw?: readonly string[];
  /** Id of the reasoning item. Default: a fresh one. */
  readonly id?: string;
}

/** Reasoning: one summary part, or several. The server shows summaries when the turn asks for them. */
export function reasoning(
  summary: string | readonly string[],
  options: ReasoningOptions = {},
): ReplyPart {
  const parts = typeof summary === "string" ? [summary] : summary;
  const raw = options.raw ?? [];

  return eventsPart((makeId) => {
    const id = options.id ?? makeId("rs");
    const events: ModelEvent[] = [
      { type: "response.output_item.added", item: { type: "reasoning", id, summary: [] } },
    ];
    for (const [index, part] of parts.entries()) {
      const at = { item_id: id, summary_index: index };
      events.push(
        { type: "response.reasoning_summary_part.added", ...at },
        { type: "response.reasoning_summary_text.delta", ...at, delta: part },
      );
    }
    for (const [index, delta] of raw.entries()) {
      events.push({
        type: "response.reasoning_text.delta",
        item_id: id,
        content_index: index,
        delta,
      });
    }
    events.push({
      type: "response.output_item.done",
      item: {
        type: "reasoning",
        id,
        summary: parts.map((part) => ({ type: "summary_text", text: part })),
        content: raw.map((part) => ({ type: "reasoning_text", text: part })),
      },
    });
    return events;
  });
}
