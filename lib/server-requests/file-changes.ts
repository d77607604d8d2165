import type { FileUpdateChange } from "../../generated/types.js";
import { BoundedMap } from "../async/bounded-map.js";
import type { NotificationMessage } from "../jsonrpc/message.js";

type Id = string | undefined;

interface OpenChange {
  readonly threadId: string;
  readonly turnId: string;
  readonly changes: readonly FileUpdateChange[];
  /** How long they are as JSON (characters). */
  readonly size: number;
}

/** Turns end, so only a server that never ends one gets there. */
const maxOpen = 1_024;
const maxCharacters = 64 * 1_048_576;

/**
 * The file changes that have begun and not ended. The request to approve one names only its item;
 * what would be changed is in the item that was announced before.
 */
export class FileChanges {
  readonly #open = new BoundedMap<string, OpenChange>(maxOpen, (_key, { size }) => {
    this.#characters -= size;
  });
  #characters = 0;

  get size(): number {
    return this.#open.size;
  }

  of(threadId: Id, turnId: Id, itemId: Id): readonly FileUpdateChange[] | undefined {
    return this.#open.get(keyOf(threadId, turnId, itemId))?.changes;
  }

  /** For `item/started`, `item/completed` and `item/fileChange/patchUpdated`. */
  observeItem({ method, params }: NotificationMessage): void {
    const { threadId, turnId, itemId, item, changes } = (params ?? {}) as Params;
    const id = itemId ?? item?.id;
    const what = changes ?? item?.changes;
    if (typeof threadId !== "string" || typeof turnId !== "string") return;
    if (typeof id !== "string" || (item && item.type !== "fileChange")) return;
    const key = keyOf(threadId, turnId, id);
    this.#delete(key);
    if (method === "item/completed" || !Array.isArray(what)) return;
    const size = lengthOf(what);
    if (size > maxCharacters) return;
    this.#open.set(key, { threadId, turnId, changes: what as FileUpdateChange[], size });
    this.#characters += size;
    while (this.#characters > maxCharacters) this.#open.forgetOldest();
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
    this.#characters -= this.#open.get(key)?.size ?? 0;
    this.#open.delete(key);
  }
}

interface Params {
  readonly threadId?: unknown;
  readonly turnId?: unknown;
  readonly itemId?: unknown;
  readonly item?: Item | null;
  readonly changes?: unknown;
}

interface Item {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly changes?: unknown;
}

/** Infinity for what is nested more deeply than it can be written. */
function lengthOf(changes: readonly unknown[]): number {
  try {
    return JSON.stringify(changes).length;
  } catch {
    return Infinity;
  }
}

/** Item ids come from the model, and may come again in another turn. */
function keyOf(threadId: Id, turnId: Id, itemId: Id): string {
  return JSON.stringify([threadId, turnId, itemId]);
}
