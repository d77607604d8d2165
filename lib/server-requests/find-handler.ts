import type { ClientHandlers } from "./client-handlers.js";
import type { RequestHandlers } from "./handlers.js";
import {
  fromRaw,
  methodHandlerIn,
  type FoundHandler,
  type MethodHandler,
} from "./handlers-by-method.js";
import { Lineage, type Family, type Relative } from "./lineage.js";
import type { OpenRequest } from "./open-request.js";
import type { ThreadScopes } from "./thread-scopes.js";

interface TurnScope {
  readonly handlers?: RequestHandlers | undefined;
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
  readonly isLoaded: (threadId: string) => boolean;
}

/** The handler of the narrowest scope that has one. */
export async function findHandler(
  request: OpenRequest,
  places: HandlerPlaces,
): Promise<FoundHandler | undefined> {
  for await (const handler of handlersOf(request, places)) {
    const found = handler?.(request);
    if (found) return found;
  }
  return undefined;
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

/** From narrow to wide: the turn, its thread, and for a sub-agent its parent's, up to the client. */
async function* handlersOf(
  { threadId, turnId, method }: OpenRequest,
  places: HandlerPlaces,
): AsyncGenerator<MethodHandler | undefined, void> {
  const { turns, threads, client, isLoaded } = places;
  const inTurn = (scope: TurnScope) => methodHandlerIn(scope, method);
  const lineage = new Lineage(threadId ?? "", places);
  let at: Relative | undefined = threadId === undefined ? undefined : { threadId, turnId };
  while (at) {
    if (at.turnId !== undefined) {
      // The turn may be one whose start has not been answered yet.
      await turns.whenSettled(at.threadId, at.turnId);
      // Of several handles on one turn, the one that joined last has the word.
      yield* turns.sinksOf(at.threadId, at.turnId).toReversed().map(inTurn);
    } else if (at.threadId === threadId) {
      // The turn that is being started is meant. There is no waiting for its id: a compaction asks for
      // the time before the item that it is known by.
      yield* turns.startersOf(threadId).toReversed().map(inTurn);
    }
    yield threads.handlerOf(at.threadId, method);
    const mayAsk = !isLoaded(at.threadId) && (threads.size > 0 || turns.size > 0);
    const parent = lineage.parentOf(at.threadId, mayAsk);
    at = parent instanceof Promise ? await parent : parent;
  }
  const added = client.added(method);
  yield added ? fromRaw(added) : methodHandlerIn({ handlers: client.handlers }, method);
}
