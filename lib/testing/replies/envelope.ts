import type { JsonObject } from "../json.js";
import type { ModelEvent } from "../sse-format.js";
import type { ModelUsage, ReplyPart } from "./reply.js";

/** Any event of the model's stream, for events that no builder makes. */
export function event(value: ModelEvent): ReplyPart {
  return { steps: () => [{ do: "send", event: value }] };
}

/** Token counts of this response. Without it a response reports 10 input and 5 output tokens. */
export function usage(counts: ModelUsage): ReplyPart {
  return { steps: () => [], usage: counts };
}

/** HTTP headers of this streamed answer, such as the `x-codex-primary-*` rate limit headers. */
export function headers(values: Readonly<Record<string, string>>): ReplyPart {
  return { steps: () => [], headers: values };
}

export function createdEvent(responseId: string): ModelEvent {
  return { type: "response.created", response: { id: responseId } };
}

export function completedEvent(responseId: string, counts: ModelUsage | undefined): ModelEvent {
  return {
    type: "response.completed",
    response: { id: responseId, usage: wireUsage(counts ?? { inputTokens: 10, outputTokens: 5 }) },
  };
}

function wireUsage(counts: ModelUsage): JsonObject {
  const { inputTokens = 0, outputTokens = 0 } = counts;
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: counts.cachedInputTokens ?? 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: counts.reasoningOutputTokens ?? 0 },
    total_tokens: counts.totalTokens ?? inputTokens + outputTokens,
  };
}
