import type { KeysOf } from "../../errors/check-options.js";
import { checkSignal } from "../../errors/check-values.js";
import { roughBytes } from "../../async/rough-bytes.js";
import { Following } from "../../jsonrpc/following.js";
import { SlowConsumerError } from "../../errors/slow-consumer-error.js";
import type { GetSession, Session } from "../../session/session.js";
import type { ServerNotification } from "../../protocol.js";
import type { ObservedNotification } from "../../messages/observed-notifications.js";

/** How much may wait for the consumer (bytes, roughly). */
const maxBacklogBytes = 16_777_216;

/** Options for stopping. */
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
): Following<T> {
  checkSignal(signal);
  const following = new Following<T>({
    maxWeight: maxBacklogBytes,
    weigh: roughBytes,
    overflow: () =>
      new SlowConsumerError(`${maxBacklogBytes} bytes of ${method}`, "Read on as they come."),
  });
  const follow = (session: Session): void => {
    if (following.isOver) return;
    following.countIn(session.backlogs);
    // What is not heard while the connection is being restored would be missed without a sign.
    following.endWith(session.connectionSignal);
    following.holds(
      session.on(method, ({ params }) => {
        const picked = pick(params);
        if (picked !== undefined) following.push(picked);
      }),
    );
  };
  following.stopOn(signal);
  if (!signal?.aborted) {
    getSession().then(follow, (error: unknown) => {
      following.fail(error);
    });
  }
  return following;
}
