import { reasonOf } from "../../async/abort.js";

/** Throws the signal's reason if it has aborted: behind each wait it may have. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw reasonOf(signal);
}
