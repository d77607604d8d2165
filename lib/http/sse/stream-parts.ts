import type { TurnPart } from "../../parts/turn-part.js";
import type { TurnStreamStore } from "../streams/turn-stream-store.js";

const maxPageBytes = 64 * 1_024;

export interface PartsOptions {
  /** How long one reading of the store waits for news (ms). */
  readonly waitMs: number;
  /** Ends the parts. */
  readonly signal: AbortSignal;
  /** The number of the event behind which they begin (default 0: from the start). */
  readonly after?: number | undefined;
}

/** The parts of a stream, as they come. It reads on only when it is asked for more. */
export async function* streamParts(
  store: TurnStreamStore,
  id: string,
  { waitMs, signal, after = 0 }: PartsOptions,
): AsyncGenerator<TurnPart, undefined> {
  let last = after;
  while (!signal.aborted) {
    const page = await store.read(id, last, { maxBytes: maxPageBytes, waitMs, signal });
    if (!page) return;
    for (const { seq, data } of page.events) {
      last = seq;
      yield JSON.parse(data) as TurnPart;
    }
    if (page.ended) return;
  }
}
