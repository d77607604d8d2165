import type { RequestOptions } from "./rpc/connection.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "./protocol.js";
import type { ThreadGate } from "./rpc/thread-gate.js";
import type { TurnRoutes, TurnSink } from "./rpc/turn-routes.js";
import type { TurnState } from "./turn-state.js";

/** A turn handle, as the routes see it. */
export interface TurnFollower extends TurnSink {
  readonly state: TurnState;
}

/** What thread and turn handles need of the connection behind them. */
export interface ThreadHost {
  readonly turns: TurnRoutes<TurnFollower>;
  readonly gate: ThreadGate;
  call<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options?: RequestOptions,
  ): Promise<ResultOf<M>>;
  /** Makes sure that the thread is loaded and that this connection gets its events. */
  load(threadId: string): Promise<void>;
  /** Whether the thread is loaded, and this connection gets its events. */
  isLoaded(threadId: string): boolean;
  /** The server no longer has the thread loaded, whatever was known before. */
  unload(threadId: string): void;
}

/** Gives the connection of this moment; starts one when there is none. */
export type Connect = () => Promise<ThreadHost>;
