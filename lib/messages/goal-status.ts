import { fieldOf } from "./field-of.js";

/** Whether the `goal` of an answer or a notification is active: the server then works on it by itself. */
export function hasActiveGoal(holder: unknown): boolean {
  return fieldOf(holder, "goal", "status") === "active";
}

/** Whether the server starts turns for what a `thread/goal/set` says that would not run otherwise. */
export function setsActiveGoal(params: unknown): boolean {
  const status = fieldOf(params, "status");
  if (status !== undefined && status !== null) return status === "active";
  return typeof fieldOf(params, "objective") === "string";
}
