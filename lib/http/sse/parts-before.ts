import type { TurnPart } from "../../parts/turn-part.js";
import type { TurnStreamStore } from "../streams/turn-stream-store.js";
import { NotFoundError } from "../web-errors.js";

const maxPageBytes = 64 * 1_024;

export interface Before {
  /** The number of the newest event that a client can have seen. */
  readonly last: number;
  /** The requests that it says it has seen. */
  readonly keys: ReadonlySet<string>;
}

/**
 * The parts of a stream from its start up to the newest of these requests, and the number of that event.
 *
 * @throws NotFoundError when none of them is there.
 */
export async function partsBefore(
  store: TurnStreamStore,
  id: string,
  { last, keys }: Before,
): Promise<{ readonly seq: number; readonly before: readonly TurnPart[] }> {
  const parts: TurnPart[] = [];
  let found: { readonly seq: number; readonly length: number } | undefined;
  const { signal } = new AbortController();
  for (let read = 0; read < last;) {
    const page = await store.read(id, read, { maxBytes: maxPageBytes, waitMs: 0, signal });
    const newest = page?.events.at(-1);
    if (!page || !newest) break;
    for (const { seq, data } of page.events) {
      const part = JSON.parse(data) as TurnPart;
      parts.push(part);
      if (part.type === "request" && keys.has(part.key)) found = { seq, length: parts.length };
    }
    read = newest.seq;
  }
  if (!found) throw new NotFoundError();
  return { seq: found.seq, before: parts.slice(0, found.length) };
}
