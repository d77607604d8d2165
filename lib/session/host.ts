import type { BacklogBudget } from "../async/backlog-budget.js";
import type { CallerContext } from "../async/caller-context.js";
import type { RateLimitsHolder } from "./rate-limits-holder.js";
import type { Logger } from "../async/logger.js";
import type { CloseReason } from "../errors/connection-errors.js";
import type { ClientRequestMethod, ParamsOf, ResultOf, ServerNotification } from "../protocol.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import type { GoalTurnWatch } from "./goal-turn-watch.js";
import type { ObservedNotification } from "../messages/observed-notifications.js";
import type { ServerFiles } from "../paths/server-files.js";
import type { TurnSlots } from "./turn-slots.js";
import type { TurnRoutes, TurnSink } from "./turn-routes.js";
import type { SubagentTree } from "./subagent-tree.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { ThreadScopes } from "./requests/thread-scopes.js";
import type { AskedSettings } from "./sandbox/asked-settings.js";
import type { KnownSettings } from "./sandbox/known-settings.js";
import type { TurnState } from "../results/turn-state.js";

/** A turn handle, as the routes see it. */
export interface TurnFollower extends TurnSink {
  readonly state: TurnState;
  /** Whether it only looks on at a turn that nobody here has asked for. */
  readonly looksOn?: boolean | undefined;
  /** Who answers the server's requests in this turn, before anybody else. */
  readonly handlers?: RequestHandlers | undefined;
  /** The context of the call that started the turn, or joined it; undefined for whoever looks on. */
  readonly context?: CallerContext | undefined;
  /** Whether somebody wants the turn to stop: whatever it asks is refused then. */
  readonly isStopping?: boolean | undefined;
}

/** What handles (threads, turns, processes, watches) need of the connection behind them. */
export interface Host {
  readonly turns: TurnRoutes<TurnFollower>;
  readonly slots: TurnSlots;
  /** Tells when a turn of a goal is about to start. */
  readonly goals: Pick<GoalTurnWatch, "settled">;
  /** How much may wait for all consumers together. */
  readonly backlogs: BacklogBudget;
  /** The handlers and tools of threads. */
  readonly scopes: ThreadScopes;
  /** With which settings threads were last seen, by this connection or one before it. */
  readonly known: KnownSettings;
  /** Whether threads let the server trust their directory unless they say otherwise. */
  readonly trustProject: boolean;
  /** What the configuration that this client has given the server says of threads. */
  readonly configured: AskedSettings;
  /** How the server sees files. */
  readonly serverFiles: ServerFiles;
  /** The file of the runtime that this client has started; undefined for a server that is not its own. */
  readonly runtimeFile: string | undefined;
  /** Whether experimental methods may be called. */
  readonly experimentalApi: boolean;
  /** The library's own remarks; never params or values. */
  readonly logger: Required<Logger>;
  /** Whether the server waits for an answer to a request of this turn, or of one of its sub-agents. */
  isAsked(threadId: string, turnId: string): boolean;
  /** Which threads are sub-agents, and whose. */
  readonly subagents: SubagentTree;
  /** What this connection has heard of the rate limits so far. */
  readonly rateLimits: Pick<RateLimitsHolder, "current" | "onChange">;
  /** Resolves, never rejects, when the connection is over. */
  readonly closed: Promise<CloseReason>;
  /** Aborts when the connection is over; its reason is a TransportClosedError. */
  readonly signal: AbortSignal;
  /**
   * The same for the connection of this moment alone: it also aborts when that one drops and another
   * takes its place, for what the server ends with the connection it came from, such as commands.
   */
  readonly connectionSignal: AbortSignal;
  /**
   * Resolves at once, unless the connection was dropped and is being restored: then when it works
   * again, its threads resumed. Rejects with a TransportClosedError when it is over.
   */
  available(): Promise<void>;
  /**
   * Sends a request with all its paths as the server is to get them (see `toServerPath`). While the
   * connection is being restored, it waits for that, within its deadline.
   */
  call<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options?: RequestOptions,
  ): Promise<ResultOf<M>>;
  /** The same, with the params as they are. */
  request<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options?: RequestOptions,
  ): Promise<ResultOf<M>>;
  /** Calls `listener` for each notification of one method, in wire order, until it is stopped. */
  on<M extends ObservedNotification>(
    method: M,
    listener: (notification: ServerNotification<M>) => void,
  ): () => void;
  /** Makes sure that the thread is loaded and that this connection gets its events. */
  load(threadId: string): Promise<void>;
  /** Whether the thread is loaded, and this connection gets its events. */
  isLoaded(threadId: string): boolean;
  /** The server no longer has the thread loaded, whatever was known before. */
  unload(threadId: string): void;
}

/** Gives the connection of this moment; starts one when there is none. */
export type Connect = () => Promise<Host>;
