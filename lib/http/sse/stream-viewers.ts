import type { ServerResponse } from "node:http";
import { onAbort } from "../../async/abort.js";
import { Deferred } from "../../async/deferred.js";
import type { TurnPart } from "../../parts/turn-part.js";
import type { TurnStreamStore } from "../streams/turn-stream-store.js";
import { sseHeaders } from "./sse-headers.js";
import { streamBody } from "./stream-body.js";
import { streamFrames } from "./stream-frames.js";
import { streamParts } from "./stream-parts.js";
import { writeStream } from "./write-stream.js";

export interface ViewersOptions {
  readonly store: TurnStreamStore;
  readonly heartbeatMs: number;
  readonly retryMs: number;
  /** Told that a viewer has come to a stream; the function that it returns is called when they have left. */
  readonly watch: (id: string) => () => void;
  /** Gets what the store throws while it is read. */
  readonly onError: (error: unknown) => void;
}

/** What a viewer wants to see: a stream, from behind the event of this number. */
export interface Viewing {
  readonly id: string;
  readonly after: number;
}

/** The responses that show streams. Each has a cursor of its own, and none waits for another. */
export class StreamViewers {
  readonly #options: ViewersOptions;
  readonly #there = new Set<AbortController>();
  #allLeft: Deferred<void> | undefined;

  constructor(options: ViewersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#there.size;
  }

  /** A fetch response. It is over when it is read to its end, cancelled, or `signal` aborts. */
  response(viewing: Viewing, signal: AbortSignal | undefined): Response {
    const viewer = this.#enter(viewing.id);
    const frames = this.#frames(viewing, viewer.signal);
    const unlink = onAbort(signal, viewer.leave);
    const left = (): void => {
      unlink();
      viewer.leave();
    };
    return new Response(streamBody(frames, left), { headers: sseHeaders });
  }

  /** Writes to a response of Node. Resolves when it is over; leaves no listener. */
  async pipe(viewing: Viewing, response: ServerResponse): Promise<void> {
    const viewer = this.#enter(viewing.id);
    response.on("close", viewer.leave);
    try {
      response.writeHead(200, sseHeaders);
      await writeStream(this.#frames(viewing, viewer.signal), response);
    } finally {
      response.off("close", viewer.leave);
      viewer.leave();
    }
  }

  /** The parts themselves. The viewer leaves with the iteration, or when `signal` aborts. */
  parts(
    { id, after }: Viewing,
    signal: AbortSignal | undefined,
  ): AsyncIterableIterator<TurnPart, undefined> {
    const viewer = this.#enter(id);
    const unlink = onAbort(signal, viewer.leave);
    const left = (): void => {
      unlink();
      viewer.leave();
    };
    const { store, heartbeatMs, onError } = this.#options;
    const parts = streamParts(store, id, { waitMs: heartbeatMs, signal: viewer.signal, after });
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        try {
          const step = await parts.next();
          if (step.done) left();
          return step;
        } catch (error) {
          left();
          onError(error);
          throw error;
        }
      },
      // A generator alone would wait for news before it leaves.
      async return() {
        left();
        return parts.return(undefined);
      },
    };
  }

  /** Resolves when no viewer is there any more. */
  async allLeft(): Promise<void> {
    if (this.#there.size === 0) return;
    this.#allLeft ??= new Deferred();
    await this.#allLeft.promise;
  }

  /** Ends all responses as they are: their clients come again. */
  endAll(): void {
    for (const viewer of this.#there) viewer.abort();
  }

  #frames({ id, after }: Viewing, signal: AbortSignal): AsyncGenerator<Uint8Array, undefined> {
    return streamFrames(this.#options.store, id, after, { ...this.#options, signal });
  }

  #enter(id: string): { readonly signal: AbortSignal; readonly leave: () => void } {
    const left = this.#options.watch(id);
    const over = new AbortController();
    const leave = (): void => {
      over.abort();
      if (!this.#there.delete(over)) return;
      left();
      if (this.#there.size === 0) this.#allLeft?.resolve();
    };
    this.#there.add(over);
    return { signal: over.signal, leave };
  }
}
