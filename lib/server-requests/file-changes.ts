import type { FileUpdateChange } from "../../generated/types.js";
import type { NotificationMessage } from "../rpc/message.js";

type Id = string | undefined;

interface OpenChange {
  readonly threadId: string;
  readonly turnId: string;
  readonly changes: readonly FileUpdateChange[];
}

/** Turns end, so only a server that never ends one gets there. */
const maxOpen = 1_024;

/**
 * The file changes that have begun and not ended. The request to approve one names only its item;
 * what would be changed is in the item that was announced before.
 */
export class FileChanges {
  readonly #open = new Map<string, OpenChange>();

  get size(): number {
    return this.#open.size;
  }

  of(threadId: Id, turnId: Id, itemId: Id): readonly FileUpdateChange[] | undefined {
    return this.#open.get(keyOf(threadId, turnId, itemId))?.changes;
  }

  /** For `item/started`, `item/completed` and `item/fileChange/patchUpdated`. */
  observeItem({ method, params }: NotificationMessage): void {
    const { threadId, turnId, itemId, item, changes } = (params ?? {}) as Partial<
      Record<"threadId" | "turnId" | "itemId", string> & { item: Item; changes: unknown }
    >;
    if (threadId === undefined || turnId === undefined) return;
    const id = itemId ?? item?.id;
    const what = changes ?? item?.changes;
    if (id === undefined || (item && item.type !== "fileChange")) return;
    const key = keyOf(threadId, turnId, id);
    this.#open.delete(key);
    if (method === "item/completed" || !Array.isArray(what)) return;
    this.#open.set(key, { threadId, turnId, changes: what as FileUpdateChange[] });
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= maxOpen) break;
      this.#open.delete(oldest);
    }
  }

  turnEnded(threadId: Id, turnId: Id): void {
    for (const [key, change] of this.#open) {
      if (change.threadId === threadId && change.turnId === turnId) this.#open.delete(key);
    }
  }

  threadClosed(threadId: Id): void {
    for (const [key, change] of this.#open) {
      if (change.threadId === threadId) this.#open.delete(key);
    }
  }
}

interface Item {
  readonly type?: unknown;
  readonly id?: string;
  readonly changes?: unknown;
}

/** Item ids come from the model, and may come again in another turn. */
function keyOf(threadId: Id, turnId: Id, itemId: Id): string {
  return JSON.stringify([threadId, turnId, itemId]);
}
