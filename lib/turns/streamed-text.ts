import type { TurnEvent } from "../protocol.js";
import { isItem } from "./turn-state.js";

/** The assistant's text in the events of a turn: each piece once, as soon as it is there. */
export class StreamedText {
  /** How much has come of each message in progress (UTF-16 code units). */
  readonly #lengths = new Map<string, number>();
  /** Those of them of which no more pieces come: the rest comes with the whole message. */
  readonly #cut = new Set<string>();

  /** The text that an event adds, if any. */
  next(event: TurnEvent): string | undefined {
    switch (event.method) {
      case "item/agentMessage/delta": {
        const { itemId, delta }: { itemId: string; delta: unknown } = event.params;
        const text = typeof delta === "string" ? delta : undefined;
        this.#lengths.set(itemId, (this.#lengths.get(itemId) ?? 0) + (text?.length ?? 0));
        return text;
      }
      case "connection/gap":
        for (const itemId of this.#lengths.keys()) this.#cut.add(itemId);
        return undefined;
      case "item/completed":
        return this.#completed(event.params.item);
      default:
        return undefined;
    }
  }

  /** A message may come whole, without deltas. And what a server sends need not be an item. */
  #completed(item: unknown): string | undefined {
    if (!isItem(item) || item.type !== "agentMessage") return undefined;
    const length = this.#lengths.get(item.id);
    this.#lengths.delete(item.id);
    const isCut = this.#cut.delete(item.id);
    const text: unknown = item.text;
    if (typeof text !== "string") return undefined;
    if (length === undefined) return text;
    return isCut && text.length > length ? text.slice(length) : undefined;
  }
}
