import type { ServerResponse } from "node:http";
import { onAbort } from "../../async/abort.js";
import { Deferred } from "../../async/deferred.js";
import type { TurnStreamStore } from "../streams/turn-stream-store.js";
import { sseHeaders } from "./sse-headers.js";
import { streamBody } from "./stream-body.js";
import { streamFrames } from "./stream-frames.js";
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
    const viewer = this.#enter(viewing);
    const unlink = onAbort(signal, viewer.leave);
    const left = (): void => {
      unlink();
      viewer.leave();
    };
    return new Response(streamBody(viewer.frames, left), { headers: sseHeaders });
  }

  /** Writes to a response of Node. Resolves when it is over; leaves no listener. */
  async pipe(viewing: Viewing, response: ServerResponse): Promise<void> {
    const viewer = this.#enter(viewing);
    response.on("close", viewer.leave);
    try {
      response.writeHead(200, sseHeaders);
      await writeStream(viewer.frames, response);
    } finally {
      response.off("close", viewer.leave);
      viewer.leave();
    }
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

  #enter({ id, after }: Viewing) {
    const { store, watch, ...how } = this.#options;
    const left = watch(id);
    const over = new AbortController();
    const leave = (): void => {
      over.abort();
      if (!this.#there.delete(over)) return;
      left();
      if (this.#there.size === 0) this.#allLeft?.resolve();
    };
    this.#there.add(over);
    return { frames: streamFrames(store, id, after, { ...how, signal: over.signal }), leave };
  }
}
