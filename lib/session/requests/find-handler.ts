import type { CallerContext } from "../../async/caller-context.js";
import type { ClientHandlers } from "../../server-requests/client-handlers.js";
import type { RequestHandlers } from "../../server-requests/handlers.js";
import {
  fromRaw,
  methodHandlerIn,
  type FoundHandler,
  type MethodHandler,
} from "../../server-requests/handlers-by-method.js";
import { Lineage, type Family, type Relative } from "./lineage.js";
import type { OpenRequest } from "../../server-requests/open-request.js";
import type { ThreadScopes } from "./thread-scopes.js";
import type { TurnCallers } from "./turn-callers.js";

interface TurnScope {
  readonly handlers?: RequestHandlers | undefined;
  readonly context?: CallerContext | undefined;
  readonly isStopping?: boolean | undefined;
}

/** What is asked of the routes of turns; `TurnRoutes` knows all of it. */
export interface RequestTurns {
  /** How many threads have turns that are followed. */
  readonly size: number;
  sinksOf(threadId: string, turnId: string): readonly TurnScope[];
  /** The thread on which somebody follows the turn. */
  threadOf(turnId: string): string | undefined;
  /** The turn of the thread that is followed, and of several the latest. */
  latestTurnOf(threadId: string): string | undefined;
  /** Whoever starts a turn on the thread, and does not know its id yet. */
  startersOf(threadId: string): readonly TurnScope[];
  whenSettled(threadId: string, turnId: string): Promise<void> | undefined;
}

/** Where handlers are looked for. */
export interface HandlerPlaces extends Family {
  readonly turns: RequestTurns;
  readonly threads: ThreadScopes;
  readonly client: ClientHandlers;
  /** Who has started the turns that no handle follows. */
  readonly callers: Pick<TurnCallers, "contextOf">;
  readonly isLoaded: (threadId: string) => boolean;
}

/** Who answers a request, and in which context. */
export interface Answerer {
  /** Undefined when nobody does. */
  readonly handler: FoundHandler | undefined;
  /**
   * That of the call that started the turn which asks, or as a sub-agent the one that it works for; where
   * that is not known, the one in which the handler was given.
   */
  readonly context: CallerContext | undefined;
}

/** The handler of the narrowest scope that has one. */
export async function findHandler(request: OpenRequest, places: HandlerPlaces): Promise<Answerer> {
  const { threads, client } = places;
  const { method } = request;
  const handlerIn = (scope: TurnScope): FoundHandler | undefined =>
    methodHandlerIn(scope, method)?.(request);
  let handler: FoundHandler | undefined;
  let started: CallerContext | undefined;
  for await (const { threadId, scopes, context } of placesOf(request, places)) {
    // Of several handles on one turn, the one that joined last has the word.
    const ofTurn = handler ? undefined : firstOf(scopes.toReversed(), handlerIn);
    // Its handlers run for the call that it was given in, also when it has joined the turn of another.
    started ??= ofTurn?.context ?? context;
    handler ??= ofTurn ?? threads.handlerOf(threadId, method)?.(request);
    if (handler && started) break;
  }
  handler ??= clientHandlerOf(method, client)?.(request);
  return { handler, context: started ?? handler?.context };
}

/** Whether the turn that asks, or as a sub-agent one that it works for, is being stopped. */
export function isStopping({ threadId, turnId }: OpenRequest, places: HandlerPlaces): boolean {
  const isOne = (scope: TurnScope): boolean => scope.isStopping === true;
  const { turns } = places;
  const lineage = new Lineage(threadId ?? "", places);
  let at: Relative | undefined = threadId === undefined ? undefined : { threadId, turnId };
  for (; at; at = lineage.knownParent(at.threadId)) {
    const { turnId: id } = at;
    const scopes =
      id === undefined ? turns.startersOf(at.threadId) : turns.sinksOf(at.threadId, id);
    if (scopes.some(isOne)) return true;
  }
  return false;
}

/** What is known of one of the threads that a request concerns. */
interface Place {
  readonly threadId: string;
  /** The handles on the turn that is concerned. */
  readonly scopes: readonly TurnScope[];
  /** That of the call that started the turn. */
  readonly context: CallerContext | undefined;
}

/** From narrow to wide: the turn with its thread, and for a sub-agent those of its parents. */
async function* placesOf(
  { threadId, turnId }: OpenRequest,
  places: HandlerPlaces,
): AsyncGenerator<Place, void> {
  const { turns, threads, callers, isLoaded } = places;
  const lineage = new Lineage(threadId ?? "", places);
  let at: Relative | undefined = threadId === undefined ? undefined : { threadId, turnId };
  while (at) {
    let scopes: readonly TurnScope[] = [];
    if (at.turnId !== undefined) {
      // The turn may be one whose start has not been answered yet.
      await turns.whenSettled(at.threadId, at.turnId);
      scopes = turns.sinksOf(at.threadId, at.turnId);
    } else if (at.threadId === threadId) {
      // The turn that is being started is meant. There is no waiting for its id: a compaction asks for
      // the time before the item that it is known by.
      scopes = turns.startersOf(threadId);
    }
    const context = firstOf(scopes, (scope) => scope.context);
    yield {
      threadId: at.threadId,
      scopes,
      context: context ?? callers.contextOf(at.threadId, at.turnId),
    };
    const mayAsk = !isLoaded(at.threadId) && (threads.size > 0 || turns.size > 0);
    const parent = lineage.parentOf(at.threadId, mayAsk);
    at = parent instanceof Promise ? await parent : parent;
  }
}

function clientHandlerOf(method: string, client: ClientHandlers): MethodHandler | undefined {
  const added = client.added(method);
  if (added) return fromRaw(added.handler, added.context);
  const { handlers, context } = client;
  return methodHandlerIn({ handlers, context }, method);
}

function firstOf<T, Found>(
  list: readonly T[],
  find: (one: T) => Found | undefined,
): Found | undefined {
  for (const one of list) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}
