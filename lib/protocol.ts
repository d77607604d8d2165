import type { ClientRequests, ServerNotifications, ServerRequests } from "../generated/methods.js";
import type { notificationRouting } from "../generated/routing.js";

/** A method that the client may call, such as `"thread/start"`. */
export type ClientRequestMethod = keyof ClientRequests;
/** A method that the server may call on the client, such as an approval. */
export type ServerRequestMethod = keyof ServerRequests;
/** A notification of the server, such as `"turn/completed"`. */
export type ServerNotificationMethod = keyof ServerNotifications;

/** Optional fields may also be `undefined`, which sends nothing. */
export type AllowUndefined<T> = {
  [K in keyof T]: object extends Pick<T, K> ? T[K] | undefined : T[K];
};

export type ParamsOf<M extends ClientRequestMethod> = AllowUndefined<ClientRequests[M]["params"]>;
export type ResultOf<M extends ClientRequestMethod> = ClientRequests[M]["result"];

/** The params of a call, optional where the method has none or needs none. */
export type ParamsArgument<M extends ClientRequestMethod> =
  undefined extends ParamsOf<M>
    ? [params?: ParamsOf<M>]
    : Record<string, never> extends ParamsOf<M>
      ? [params?: ParamsOf<M>]
      : [params: ParamsOf<M>];

/**
 * One notification of the server. `method` tells them apart; a newer server may send methods, item
 * types and values that these types do not list, so keep a `default` branch.
 */
export type ServerNotification<M extends ServerNotificationMethod = ServerNotificationMethod> = {
  [K in M]: {
    readonly method: K;
    readonly params: ServerNotifications[K]["params"];
    /** When the server made it (ms since the epoch). */
    readonly emittedAtMs?: number;
  };
}[M];

type Routing = typeof notificationRouting;

/** The methods whose notifications belong to a turn. */
export type TurnEventMethod = {
  [K in ServerNotificationMethod]: Routing[K] extends { turn: string } ? K : never;
}[ServerNotificationMethod];

/** What iterating a turn yields: the server's notifications about that turn, in order. */
export type TurnEvent = ServerNotification<TurnEventMethod>;
