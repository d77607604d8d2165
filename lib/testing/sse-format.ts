import type { JsonObject } from "./json.js";

/** One event of a model's stream; `type` names it, as in `"response.output_text.delta"`. */
export interface ModelEvent extends JsonObject {
  readonly type: string;
}

/** The event as a block of a `text/event-stream` body. */
export function formatSseEvent(event: ModelEvent): string {
  // JSON text has no raw line breaks, so one data line always holds it.
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
