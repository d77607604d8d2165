import { sizeOf, type LogEntry } from "../../http/streams/log-entry.js";
import { shrinkLog } from "../../http/streams/shrink-log.js";

/** A stream over its limit is made a good deal smaller, since that reads all of it. */
const shrinkTo = 0.75;

/** All entries of a stream that is over its limit, made to fit as the store in memory does, and their bytes then. */
export function shrinkEntries(
  all: readonly LogEntry[],
  maxBytes: number,
): { readonly entries: readonly LogEntry[]; readonly bytes: number } {
  const entries = shrinkLog(all, shrinkTo * maxBytes);
  return { entries, bytes: entries.reduce((sum, entry) => sum + sizeOf(entry), 0) };
}
