import { fieldOf } from "./field-of.js";

/** Whether the `goal` of an answer or a notification is active: the server then works on it by itself. */
export function hasActiveGoal(holder: unknown): boolean {
  return fieldOf(holder, "goal", "status") === "active";
}
