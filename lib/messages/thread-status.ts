import type { NotificationMessage } from "../jsonrpc/message.js";
import { fieldOf } from "./field-of.js";

/**
 * Whether a thread whose status is of this type runs no turn. Of a type that a newer server may have,
 * nothing is known.
 */
export function isAtRest(type: unknown): boolean {
  return type === "idle" || type === "notLoaded" || type === "systemError";
}

/** Whether the turn of a `turn/completed` was interrupted: the server then starts no other one by itself. */
export function wasInterrupted({ params }: NotificationMessage): boolean {
  return fieldOf(params, "turn", "status") === "interrupted";
}
