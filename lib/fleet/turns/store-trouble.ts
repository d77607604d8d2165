import { codeOf } from "./server-loss.js";

/** Whether another worker has taken over the stream. */
export function isTaken(error: unknown): boolean {
  return codeOf(error) === "STREAM_TAKEN";
}

/** Whether the store's database is away: it says nothing of the turn, which may run. */
export function isStoreTrouble(error: unknown): boolean {
  return codeOf(error) === "STORE_UNAVAILABLE";
}
