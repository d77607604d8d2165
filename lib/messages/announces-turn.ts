import type { NotificationMessage } from "../jsonrpc/message.js";
import { fieldOf } from "./field-of.js";

/** Late items of turns that have ended announce nothing; a review tells its id by its first item. */
export function announcesTurn({ method, params }: NotificationMessage): boolean {
  if (method === "turn/started") return true;
  return method === "item/started" && fieldOf(params, "item", "type") === "enteredReviewMode";
}
