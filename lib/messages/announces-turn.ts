import type { NotificationMessage } from "../jsonrpc/message.js";

/** Late items of turns that have ended announce nothing; a review tells its id by its first item. */
export function announcesTurn({ method, params }: NotificationMessage): boolean {
  if (method === "turn/started") return true;
  if (method !== "item/started") return false;
  const { item } = (params ?? {}) as { item?: { type?: unknown } | null };
  return item?.type === "enteredReviewMode";
}
