import type { StreamEvent, StreamPage, TurnStreamStore } from "../streams/turn-stream-store.js";

/** How much a viewer is given at once (bytes): a slow one holds that much in its socket, and no more. */
const maxPageBytes = 64 * 1_024;

export interface FrameOptions {
  /** How long nothing may be sent (ms). */
  readonly heartbeatMs: number;
  /** How long a viewer waits before it connects again (ms). */
  readonly retryMs: number;
  /** Ends the frames. */
  readonly signal: AbortSignal;
  /** Gets what the store throws, which then ends the frames. */
  readonly onError: (error: unknown) => void;
}

const encoder = new TextEncoder();
const heartbeat = encoder.encode(":\n\n");

/**
 * What is sent to one viewer: the events of a stream behind the number `after`, in the format
 * `text/event-stream`. Other viewers get the same bytes: nobody may change or detach them. It reads on only when it is asked for more, so a slow viewer costs no more than a page.
 */
export async function* streamFrames(
  store: TurnStreamStore,
  id: string,
  after: number,
  { heartbeatMs, retryMs, signal, onError }: FrameOptions,
): AsyncGenerator<Uint8Array, undefined> {
  yield encoder.encode(`retry: ${retryMs}\n\n`);
  const options = { maxBytes: maxPageBytes, waitMs: heartbeatMs, signal };
  let last = after;
  while (!signal.aborted) {
    const page = await store.read(id, last, options).catch((error: unknown) => {
      onError(error);
      throw error;
    });
    if (!page) return;
    last = page.events.at(-1)?.seq ?? last;
    if (page.events.length > 0) yield toBytes(page);
    if (page.ended) return;
    // A comment: it keeps proxies from closing the connection, and tells whether anybody is there.
    if (page.events.length === 0) yield heartbeat;
  }
}

/** What is written of each page: viewers of one turn mostly get the same one. */
const written = new WeakMap<StreamPage, Uint8Array>();

function toBytes(page: StreamPage): Uint8Array {
  const known = written.get(page);
  if (known) return known;
  const bytes = encoder.encode(page.events.map(toFrame).join(""));
  written.set(page, bytes);
  return bytes;
}

function toFrame({ seq, type, data }: StreamEvent): string {
  return `id: ${seq}\nevent: ${type}\ndata: ${data}\n\n`;
}
