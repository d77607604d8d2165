import type { UserRequest } from "../../index.js";
import type { AskedRequest } from "../../parts/part-types.js";
import type { TurnPart } from "../../parts/turn-part.js";
import type { TurnStreamStore } from "../streams/turn-stream-store.js";

const maxPageBytes = 256 * 1_024;

/** A request as a stream shows it. */
export interface StoredRequest {
  readonly type: UserRequest["type"];
  /** Whether the stream does not say yet that it needs no answer any more. */
  readonly isOpen: boolean;
}

/** Looks for a request of a turn in what is kept of its stream. Resolves with undefined when the turn has not asked that. */
export async function storedRequest(
  store: TurnStreamStore,
  id: string,
  key: string,
): Promise<StoredRequest | undefined> {
  const { signal } = new AbortController();
  let type: UserRequest["type"] | undefined;
  let isOpen = false;
  let read = 0;
  for (;;) {
    const page = await store.read(id, read, { maxBytes: maxPageBytes, waitMs: 0, signal });
    const newest = page?.events.at(-1);
    if (!page || !newest) break;
    for (const event of page.events) {
      if (event.type !== "request" && event.type !== "request-end") continue;
      const part = JSON.parse(event.data) as TurnPart;
      if (part.type === "request" && part.key === key) {
        type = typeOf(part.request);
        isOpen = true;
      }
      if (part.type === "request-end" && part.key === key) isOpen = false;
    }
    read = newest.seq;
  }
  return type && { type, isOpen };
}

function typeOf({ kind }: AskedRequest): UserRequest["type"] {
  return kind === "questions" ? "userInput" : kind;
}
