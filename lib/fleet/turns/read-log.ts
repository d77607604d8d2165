import type { TurnStreamStore } from "../../http/index.js";
import type { TurnPart } from "../../parts/turn-part.js";

const pageBytes = 1_048_576;

/** What a stream has so far, and the number of its newest part. */
export interface StreamLog {
  readonly parts: readonly TurnPart[];
  readonly last: number;
}

/** Reads all that a turn has said so far. */
export async function readLog(
  streams: TurnStreamStore,
  id: string,
  signal: AbortSignal,
): Promise<StreamLog> {
  const parts: TurnPart[] = [];
  let last = 0;
  for (;;) {
    const page = await streams.read(id, last, { maxBytes: pageBytes, waitMs: 0, signal });
    if (!page || page.events.length === 0) return { parts, last };
    for (const { seq, data } of page.events) {
      parts.push(JSON.parse(data) as TurnPart);
      last = seq;
    }
  }
}
