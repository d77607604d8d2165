import type { Session } from "../../session/session.js";
import type { ServerNotification } from "../../protocol.js";
import type { ObservedNotification } from "../../messages/observed-notifications.js";

type ParamsOfNotification<M extends ObservedNotification> = ServerNotification<M>["params"];
type Listeners = Map<unknown, (params: never) => void>;

interface Route {
  readonly listeners: Listeners;
  readonly stop: () => void;
}

/** One for each method of each connection, as long as somebody listens. */
const routes = new WeakMap<Session, Map<string, Route>>();

/**
 * Calls `listener` with the notifications of `method` in which the field `key` is `id`. However many
 * handles there are, each notification is looked up once. Returns the function that stops it.
 */
export function routeById<M extends ObservedNotification>(
  session: Session,
  method: M,
  key: keyof ParamsOfNotification<M>,
  id: string,
  listener: (params: ParamsOfNotification<M>) => void,
): () => void {
  const ofHost = routes.get(session) ?? new Map<string, Route>();
  routes.set(session, ofHost);
  const route = ofHost.get(method) ?? open(session, method, key);
  ofHost.set(method, route);
  route.listeners.set(id, listener);
  return () => {
    if (!route.listeners.delete(id) || route.listeners.size > 0) return;
    route.stop();
    ofHost.delete(method);
  };
}

function open<M extends ObservedNotification>(
  session: Session,
  method: M,
  key: keyof ParamsOfNotification<M>,
): Route {
  const listeners: Listeners = new Map();
  const stop = session.on(method, ({ params }: { params: ParamsOfNotification<M> }) => {
    listeners.get(params[key])?.(params as never);
  });
  return { listeners, stop };
}
