import { onAbort } from "../async/abort.js";
import { EventQueue } from "../async/event-queue.js";
import { TransportClosedError } from "../errors/connection-errors.js";
import type { Connect, Host } from "../host.js";
import type { ServerNotification, ServerNotificationMethod } from "../protocol.js";

/** When to stop following. */
export interface FollowOptions {
  /** Ends the iteration, which then throws `signal.reason`. */
  signal?: AbortSignal | undefined;
}

/**
 * What `pick` makes of each notification of one method, from this call on; `undefined` leaves one
 * out. The iteration ends when the client is closed, and throws when the connection cannot be made
 * or is lost. Leaving the loop stops it.
 */
export function followNotifications<M extends ServerNotificationMethod, T>(
  connect: Connect,
  method: M,
  pick: (params: ServerNotification<M>["params"]) => T | undefined,
  { signal }: FollowOptions = {},
): EventQueue<T> {
  const stops: (() => void)[] = [];
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    for (const each of stops.splice(0)) each();
  };
  const queue = new EventQueue<T>(stop);
  const fail = (reason: unknown): void => {
    stop();
    queue.fail(reason);
  };
  const follow = (host: Host): void => {
    if (stopped) return;
    stops.push(
      host.on(method, ({ params }) => {
        const picked = pick(params);
        if (picked !== undefined) queue.push(picked);
      }),
      onAbort(host.signal, () => void endWith(host)),
    );
  };
  const endWith = async (host: Host): Promise<void> => {
    const reason = await host.closed;
    stop();
    if (reason.kind === "closed") queue.end();
    else queue.fail(new TransportClosedError(reason));
  };

  stops.push(onAbort(signal, fail));
  if (!signal?.aborted) connect().then(follow, fail);
  return queue;
}
