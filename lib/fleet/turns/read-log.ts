import { object } from "../../errors/check-values.js";
import type { StreamEvent, TurnStreamStore } from "../../http/index.js";
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
    for (const event of page.events) {
      const part = partIn(event);
      if (part) parts.push(part);
      last = event.seq;
    }
  }
}

/** The part that an event holds; undefined for what cannot be read, which something else has written into the stream. */
export function partIn({ data }: StreamEvent): TurnPart | undefined {
  try {
    const part: unknown = JSON.parse(data);
    return object.fits(part) && typeof Reflect.get(part as object, "type") === "string"
      ? (part as TurnPart)
      : undefined;
  } catch {
    return undefined;
  }
}
