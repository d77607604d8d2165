import type { CallerContext } from "../../async/caller-context.js";
import type { ClientHandlers } from "../../server-requests/client-handlers.js";
import {
  fromRaw,
  methodHandlerIn,
  type FoundHandler,
  type MethodHandler,
} from "../../server-requests/handlers-by-method.js";
import type { OpenRequest } from "../../server-requests/open-request.js";
import type { SubagentTree } from "../subagent-tree.js";
import type { ThreadMemory } from "../thread-memory.js";
import type { Threads } from "../threads.js";
import type { TurnFollower } from "../turn-follower.js";
import type { TurnRoutes } from "../turn-routes.js";

/** What is known of threads and turns, and who has handlers. */
export interface HandlerPlaces {
  readonly threads: Threads;
  readonly turns: TurnRoutes;
  readonly subagents: SubagentTree;
  readonly memory: ThreadMemory;
  readonly client: ClientHandlers;
}

/** Who answers a request, and in whose name. */
interface HandlerInContext {
  /** Undefined when nobody does. */
  readonly handler: FoundHandler | undefined;
  /**
   * That of the call that started the turn which asks, or as a sub-agent the one that it works for; where
   * that is not known, the one in which the handler was given.
   */
  readonly context: CallerContext | undefined;
}

/** The handler of the narrowest scope that has one. */
export async function findHandler(
  request: OpenRequest,
  places: HandlerPlaces,
): Promise<HandlerInContext> {
  const { memory, client } = places;
  const { method } = request;
  let handler: FoundHandler | undefined;
  let started: CallerContext | undefined;
  for await (const { threadId, followers, context } of placesOf(request, places)) {
    // Of several handles on one turn, the one that joined last has the word.
    const ofTurn = handler
      ? undefined
      : followers
          .map((follower) => methodHandlerIn(follower, method)?.(request))
          .findLast((found) => found !== undefined);
    // Its handlers run for the call that it was given in, also when it has joined the turn of another.
    started ??= ofTurn?.context ?? context;
    handler ??= ofTurn ?? memory.handlerOf(threadId, method)?.(request);
    if (handler && started) break;
  }
  handler ??= clientHandlerOf(method, client)?.(request);
  return { handler, context: started ?? handler?.context };
}

/** Whether the turn that asks, or as a sub-agent one that it works for, is being stopped. */
export function isStopping(
  { threadId, turnId }: OpenRequest,
  { subagents, turns }: HandlerPlaces,
): boolean {
  for (const at of subagents.lineage(threadId, turnId)) {
    const route = turns.of(at.threadId);
    const followers = at.turnId === undefined ? route?.starters : route?.followersOf(at.turnId);
    if (followers?.some((follower) => follower.isStopping)) return true;
  }
  return false;
}

/** What is known of one of the threads that a request concerns. */
interface Place {
  readonly threadId: string;
  readonly followers: readonly TurnFollower[];
  /** That of the call that started the turn. */
  readonly context: CallerContext | undefined;
}

/** From narrow to wide: the turn with its thread, and for a sub-agent those of its parents. */
async function* placesOf(
  { threadId, turnId }: OpenRequest,
  { threads, turns, subagents, memory }: HandlerPlaces,
): AsyncGenerator<Place, void> {
  for (const at of subagents.lineage(threadId, turnId)) {
    let followers: readonly TurnFollower[] = [];
    if (at.turnId !== undefined) {
      // The turn may be one whose start has not been answered yet.
      await turns.of(at.threadId)?.whenSettled(at.turnId);
      followers = turns.followersOf(at.threadId, at.turnId);
    } else if (at.threadId === threadId) {
      // The turn that is being started is meant. There is no waiting for its id: a compaction asks for
      // the time before the item that it is known by.
      followers = turns.of(threadId)?.starters ?? [];
    }
    const ofTurn = followers.find((follower) => follower.context)?.context;
    const context = ofTurn ?? threads.find(at.threadId)?.callers.contextOf(at.turnId);
    yield { threadId: at.threadId, followers, context };
    if (subagents.parentOf(at.threadId) !== undefined) continue;
    if (threads.find(at.threadId)?.isLoaded) continue;
    const mayMatter = memory.givenCount > 0 || turns.size > 0;
    if (mayMatter) await subagents.ask(at.threadId);
  }
}

function clientHandlerOf(method: string, client: ClientHandlers): MethodHandler | undefined {
  const added = client.added(method);
  if (added) return fromRaw(added.handler, added.context);
  const { handlers, context } = client;
  return methodHandlerIn({ handlers, context }, method);
}
