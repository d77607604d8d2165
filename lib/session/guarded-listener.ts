import type { Callbacks } from "../errors/callbacks.js";
import { callback, check, text } from "../errors/check-values.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { threadIdOf, turnIdOf } from "../messages/message-ids.js";

/**
 * A listener of the caller's, called in the context of this moment; `onError` hears of what it throws.
 *
 * @throws InvalidArgumentError
 */
export function guardedListener(
  callbacks: Callbacks,
  method: string,
  listener: unknown,
): (notification: NotificationMessage) => void {
  // Methods of a newer server pass.
  check("method", method, { ...text, problem: "must be the name of a notification" });
  check("listener", listener, callback);
  return callbacks.listener(
    listener as (notification: NotificationMessage) => unknown,
    (message) => ({
      where: "listener",
      method,
      threadId: threadIdOf(message),
      turnId: turnIdOf(message),
    }),
  );
}
