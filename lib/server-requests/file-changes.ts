import type { FileUpdateChange } from "../../generated/types.js";
import { BoundedMap } from "../async/bounded-map.js";
import { roughBytes } from "../async/rough-bytes.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { fieldOf, textOf } from "../messages/field-of.js";

type Id = string | undefined;

interface OpenChange {
  readonly threadId: string;
  readonly turnId: string;
  readonly changes: readonly FileUpdateChange[];
  readonly bytes: number;
}

/** Turns end, so only a server that never ends one gets there. */
const maxOpen = 1_024;
const maxBytes = 64 * 1_048_576;

/**
 * The file changes that have begun and not ended. The request to approve one names only its item;
 * what would be changed is in the item that was announced before.
 */
export class FileChanges {
  readonly #open = new BoundedMap<string, OpenChange>(maxOpen, (_key, { bytes }) => {
    this.#bytes -= bytes;
  });
  #bytes = 0;

  get size(): number {
    return this.#open.size;
  }

  of(threadId: Id, turnId: Id, itemId: Id): readonly FileUpdateChange[] | undefined {
    return this.#open.get(keyOf(threadId, turnId, itemId))?.changes;
  }

  /** For `item/started`, `item/completed` and `item/fileChange/patchUpdated`. */
  observeItem({ method, params }: NotificationMessage): void {
    const threadId = textOf(params, "threadId");
    const turnId = textOf(params, "turnId");
    const item = fieldOf(params, "item");
    const id = textOf(params, "itemId") ?? textOf(item, "id");
    if (threadId === undefined || turnId === undefined || id === undefined) return;
    if (item && fieldOf(item, "type") !== "fileChange") return;
    const key = keyOf(threadId, turnId, id);
    this.#delete(key);
    const changes = fieldOf(params, "changes") ?? fieldOf(item, "changes");
    if (method === "item/completed" || !Array.isArray(changes)) return;
    const bytes = roughBytes(changes);
    if (bytes > maxBytes) return;
    this.#open.set(key, { threadId, turnId, changes: changes as FileUpdateChange[], bytes });
    this.#bytes += bytes;
    while (this.#bytes > maxBytes) this.#open.forgetOldest();
  }

  turnEnded(threadId: Id, turnId: Id): void {
    for (const [key, change] of this.#open) {
      if (change.threadId === threadId && change.turnId === turnId) this.#delete(key);
    }
  }

  threadClosed(threadId: Id): void {
    for (const [key, change] of this.#open) {
      if (change.threadId === threadId) this.#delete(key);
    }
  }

  #delete(key: string): void {
    this.#bytes -= this.#open.get(key)?.bytes ?? 0;
    this.#open.delete(key);
  }
}

/** Item ids come from the model, and may come again in another turn. */
function keyOf(threadId: Id, turnId: Id, itemId: Id): string {
  return JSON.stringify([threadId, turnId, itemId]);
}
