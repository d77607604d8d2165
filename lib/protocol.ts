import type { ClientRequests, ServerNotifications, ServerRequests } from "../generated/methods.js";
import type { CloseReason } from "./errors/connection-errors.js";
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
    /** The time when the server made it (ms since the epoch). */
    readonly emittedAtMs?: number;
  };
}[M];

/**
 * Notices of the client among the notifications of a connection that is restored when it drops:
 * notifications between the two were missed. The threads in `lostThreadIds` could not be resumed, and send
 * no more notifications.
 */
export type ConnectionNotification =
  | {
      readonly method: "connection/dropped";
      readonly params: { readonly reason: CloseReason };
      /** The time when the client noticed it (ms since the epoch). */
      readonly emittedAtMs: number;
    }
  | {
      readonly method: "connection/restored";
      readonly params: { readonly lostThreadIds: readonly string[] };
      readonly emittedAtMs: number;
    };

/** The methods whose notifications belong to a turn. */
export type TurnEventMethod = {
  [K in ServerNotificationMethod]: (typeof notificationRouting)[K] extends { turn: string }
    ? K
    : never;
}[ServerNotificationMethod];

/** The methods of warnings about a thread; one that comes while a turn runs there is an event of it. */
export type ThreadWarningMethod = "warning" | "guardianWarning";

/** A warning as an event of a turn: it names the thread, though not the turn. */
export type TurnWarningEvent = {
  [M in ThreadWarningMethod]: ServerNotification<M> & {
    readonly params: { readonly threadId: string };
  };
}[ThreadWarningMethod];

/** The methods of the server's requests that belong to a turn. */
export type TurnRequestMethod = {
  [M in ServerRequestMethod]: ServerRequests[M]["params"] extends { turnId: unknown } ? M : never;
}[ServerRequestMethod];

/**
 * A request of the server, such as an approval, in order among the events of its turn. Its handler answers
 * it, or `respond(key, answer)`. When it is over, the event `serverRequest/resolved` comes with the same
 * `requestId`, but not for tool calls.
 */
export type TurnRequestEvent<M extends TurnRequestMethod = TurnRequestMethod> = {
  [K in M]: {
    readonly method: K;
    /** The id on the wire. */
    readonly requestId: string | number;
    /** Names the request in `respond()`; unique for ever. */
    readonly key: string;
    readonly params: ServerRequests[K]["params"];
  };
}[M];

/**
 * Made by this library, not by the server: the connection was lost here and restored, and what was
 * missed cannot be recovered in full. It comes at most once for each loss, and behind it come the
 * items that completed meanwhile.
 */
export interface ConnectionGapEvent {
  readonly method: "connection/gap";
  readonly params: {
    readonly threadId: string;
    readonly turnId: string;
    /**
     * The items that were in progress. No more text deltas come of these, nor of items whose start
     * was missed: their `item/completed` brings the whole text.
     */
    readonly itemIds: readonly string[];
  };
}

/**
 * An event that iterating a turn yields, in order: the server's notifications about that turn, its
 * warnings about the thread, the requests that it makes in the turn, and gaps. A warning that came before
 * the turn had a name follows its `turn/started`.
 */
export type TurnEvent =
  | ServerNotification<TurnEventMethod | "serverRequest/resolved">
  | TurnWarningEvent
  | TurnRequestEvent
  | ConnectionGapEvent;
