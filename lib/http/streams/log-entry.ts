import type { TurnPart } from "../../parts/turn-part.js";
import type { StreamEvent } from "./turn-stream-store.js";

/** A kept event, which may stand for several. */
export interface LogEntry extends StreamEvent {
  /**
   * Of deltas that were merged: for each its number, and where its text ends (UTF-16 units), one behind the
   * other.
   */
  readonly ends?: readonly number[] | undefined;
  /** Of a gap that was made here: the number of the last event that was dropped, by the id of its part. */
  readonly lost?: ReadonlyMap<string, number> | undefined;
}

/** Roughly what an entry takes in memory (bytes). */
export function sizeOf({ data, ends, lost }: LogEntry): number {
  return data.length + 64 + 8 * (ends?.length ?? 0) + 64 * (lost?.size ?? 0);
}

/** What an entry is for a reader that has everything up to the number `after`, which is older. */
export function eventFor(entry: LogEntry, after: number): StreamEvent {
  if (entry.ends) return withoutText(entry, entry.ends, after);
  if (entry.lost) return withoutIds(entry, entry.lost, after);
  return entry;
}

/** A reader in the midst of merged deltas gets the rest of the text. */
function withoutText(entry: LogEntry, ends: readonly number[], after: number): StreamEvent {
  let seen = 0;
  for (let index = 0; index < ends.length && (ends[index] ?? 0) <= after; index += 2) {
    seen = ends[index + 1] ?? seen;
  }
  if (seen === 0) return entry;
  const part = JSON.parse(entry.data) as { delta: string };
  const { seq, type } = entry;
  return { seq, type, data: JSON.stringify({ ...part, delta: part.delta.slice(seen) }) };
}

/** A reader that has seen a part of what was dropped misses the rest only. */
function withoutIds(
  entry: LogEntry,
  lost: ReadonlyMap<string, number>,
  after: number,
): StreamEvent {
  const ids = [...lost].filter(([id, seq]) => seq > after && id !== "").map(([id]) => id);
  const part = JSON.parse(entry.data) as TurnPart;
  const { seq, type } = entry;
  return { seq, type, data: JSON.stringify({ ...part, ids }) };
}
