import type { KeysOf } from "../../errors/check-options.js";
import { onAbort } from "../../async/abort.js";
import { checkSignal } from "../../errors/check-values.js";
import { EventQueue } from "../../async/event-queue.js";
import { roughBytes } from "../../async/rough-bytes.js";
import { TransportClosedError } from "../../errors/connection-errors.js";
import { SlowConsumerError } from "../../errors/slow-consumer-error.js";
import type { GetSession, Session } from "../../session/session.js";
import type { ServerNotification } from "../../protocol.js";
import type { ObservedNotification } from "../../messages/observed-notifications.js";

/** How much may wait for whoever iterates (bytes, roughly). */
const maxBacklogBytes = 16_777_216;

/** When to stop following. */
export interface FollowOptions {
  /** Ends the iteration, which then throws `signal.reason`. */
  signal?: AbortSignal | undefined;
}

export const followKeys: KeysOf<FollowOptions> = { signal: true };

/**
 * What `pick` makes of each notification of one method, from this call on; `undefined` leaves one
 * out. The iteration ends when the client is closed, and throws when the connection cannot be made
 * or is lost. Leaving the loop stops it. When more than about 16 MiB wait to be read, they are dropped
 * and it throws a SlowConsumerError.
 */
export function followNotifications<M extends ObservedNotification, T>(
  getSession: GetSession,
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
  const queue = new EventQueue<T>(stop, {
    maxWeight: maxBacklogBytes,
    weigh: roughBytes,
    overflow: () => {
      stop();
      const tooMuch = `${maxBacklogBytes} bytes of ${method}`;
      return new SlowConsumerError(tooMuch, "Read on as they come.");
    },
  });
  const fail = (reason: unknown): void => {
    stop();
    queue.fail(reason);
  };
  const follow = (session: Session): void => {
    if (stopped) return;
    queue.countIn(session.backlogs);
    const { connectionSignal: connection } = session;
    if (connection.aborted) {
      lost(connection.reason);
      return;
    }
    stops.push(
      session.on(method, ({ params }) => {
        const picked = pick(params);
        if (picked !== undefined) queue.push(picked);
      }),
      // What is not heard while the connection is being restored would be missed without a sign.
      onAbort(connection, lost),
    );
  };
  const lost = (reason: unknown): void => {
    if (!(reason instanceof TransportClosedError)) {
      fail(reason);
    } else if (reason.reason.kind === "closed") {
      stop();
      queue.end();
    } else {
      fail(new TransportClosedError(reason.reason));
    }
  };

  checkSignal(signal);
  stops.push(onAbort(signal, fail));
  if (!signal?.aborted) getSession().then(follow, fail);
  return queue;
}
