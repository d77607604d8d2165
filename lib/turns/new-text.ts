import type { TurnEvent } from "../protocol.js";
import { isItem } from "./turn-state.js";

/** The text that an event adds, if any; `streamed` holds the messages that came in pieces so far. */
export function newText(event: TurnEvent, streamed: Set<string>): string | undefined {
  switch (event.method) {
    case "item/agentMessage/delta": {
      const { itemId, delta }: { itemId: string; delta: unknown } = event.params;
      streamed.add(itemId);
      return typeof delta === "string" ? delta : undefined;
    }
    case "item/completed": {
      // A message may come whole, without deltas. And what a server sends need not be an item.
      const item: unknown = event.params.item;
      if (!isItem(item) || item.type !== "agentMessage" || streamed.delete(item.id)) return;
      const text: unknown = item.text;
      return typeof text === "string" ? text : undefined;
    }
    default:
      return undefined;
  }
}
