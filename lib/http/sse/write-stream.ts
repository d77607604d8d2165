import type { ServerResponse } from "node:http";
import { Deferred } from "../../async/deferred.js";

/**
 * Writes text to a response as fast as it is taken. Resolves when all is written, or nobody takes it any more;
 * leaves no listener. Never rejects because of the connection.
 */
export async function writeStream(
  frames: AsyncIterable<string | Uint8Array>,
  response: ServerResponse,
): Promise<void> {
  let go = new Deferred<void>();
  const wake = (): void => {
    go.resolve();
  };
  const isGone = (): boolean => response.destroyed || response.writableEnded;
  // An error of the connection comes with `close`, too.
  const listeners = { drain: wake, finish: wake, close: wake, error: wake };
  for (const [event, listener] of Object.entries(listeners)) response.on(event, listener);
  try {
    for await (const frame of frames) {
      if (isGone()) return;
      go = new Deferred();
      if (!response.write(frame) && !isGone()) await go.promise;
    }
    if (!isGone()) {
      go = new Deferred();
      // Without a callback: middleware that compresses would take it for the last piece.
      response.end();
      await go.promise;
    }
  } finally {
    for (const [event, listener] of Object.entries(listeners)) response.off(event, listener);
  }
}
