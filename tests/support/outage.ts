import type { AppServerClient } from "../../lib/index.js";

/** Resolve when the client loses its connection the next time, and when it has the one after. */
export function nextOutage(client: AppServerClient): {
  readonly dropped: Promise<void>;
  readonly restored: Promise<void>;
} {
  const until = (state: string) =>
    new Promise<void>((resolve) => {
      const stop = client.onConnectionStatus((status) => {
        if (status.state !== state) return;
        stop();
        resolve();
      });
    });
  return { dropped: until("reconnecting"), restored: until("ready") };
}
