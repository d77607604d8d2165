import type { TurnEvent } from "../protocol.js";
import { deltaOf } from "./text-run.js";

/**
 * Tells apart what makes sense behind a gap in the events. The rest of a text whose beginning was
 * missed does not: the whole of it comes when its item completes. Nor does what the server's store
 * has told already, which may come once more as an event.
 */
export class TurnGap {
  /** The items that were told from the store. */
  readonly #told = new Set<string>();
  /** The items whose start came behind the gap. */
  readonly #whole = new Set<string>();

  /** Events have been missed again: what was in progress is whole no more. */
  reopen(): void {
    this.#whole.clear();
  }

  /** This item comes from the store, and so not again. */
  told(itemId: string): void {
    this.#told.add(itemId);
  }

  /** Whether the event is to be shown. */
  admits(event: TurnEvent): boolean {
    switch (event.method) {
      case "item/started":
      case "item/completed": {
        const id = itemIdIn(event.params);
        if (id === undefined) return true;
        if (event.method === "item/started") this.#whole.add(id);
        return !this.#told.has(id);
      }
      default: {
        if (deltaOf(event) === undefined) return true;
        const { itemId } = event.params as { itemId?: unknown };
        return typeof itemId !== "string" || (this.#whole.has(itemId) && !this.#told.has(itemId));
      }
    }
  }
}

function itemIdIn(params: unknown): string | undefined {
  const { item } = (params ?? {}) as { item?: { id?: unknown } | null };
  return typeof item?.id === "string" ? item.id : undefined;
}
