import type { Session } from "../../session/session.js";
import type { ServerNotification } from "../../protocol.js";
import type { ObservedNotification } from "../../messages/observed-notifications.js";

type ParamsOfNotification<M extends ObservedNotification> = ServerNotification<M>["params"];

/**
 * Calls `listener` with the notifications of `method` in which the field `key` is `id`. Returns the function
 * that stops it.
 */
export function routeById<M extends ObservedNotification>(
  session: Session,
  method: M,
  key: keyof ParamsOfNotification<M>,
  id: string,
  listener: (params: ParamsOfNotification<M>) => void,
): () => void {
  return session.on(method, ({ params }: { params: ParamsOfNotification<M> }) => {
    if (params[key] === id) listener(params);
  });
}
