import type { DynamicToolCallParams } from "../../generated/types.js";
import { callTool } from "../tools/call-tool.js";
import type { Tool } from "../tools/tool.js";
import type { AnyRawHandler, ClientHandlers } from "./client-handlers.js";
import type { ClientRequestHandlers, RequestHandlers } from "./handlers.js";
import { Lineage, type Family, type Relative } from "./lineage.js";
import type { OpenRequest } from "./open-request.js";
import type { RequestContext } from "./request-context.js";
import { kindOf } from "./request-kinds.js";
import { isObject } from "./result-checks.js";
import type { ThreadScopes } from "./thread-scopes.js";

interface TurnScope {
  readonly handlers?: RequestHandlers | undefined;
}

/** What is asked of the routes of turns; `TurnRoutes` knows all of it. */
export interface RequestTurns {
  /** How many threads have turns that are followed. */
  readonly size: number;
  sinksOf(threadId: string, turnId: string): readonly TurnScope[];
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

/** The handler of one request. */
export interface FoundHandler {
  readonly call: (context: RequestContext) => unknown;
  /** The answer in the shape of the protocol; it may still be wrong. */
  readonly toResult: (answer: unknown) => unknown;
}

interface Scope {
  readonly handlers?: ClientRequestHandlers | undefined;
  readonly tools?: readonly Tool[] | undefined;
  /** Goes before everything else of the same scope. */
  readonly first?: AnyRawHandler | undefined;
}

/** The handler of the narrowest scope that has one. */
export async function findHandler(
  request: OpenRequest,
  places: HandlerPlaces,
): Promise<FoundHandler | undefined> {
  for await (const scope of scopesOf(request, places)) {
    const found = handlerIn(scope, request);
    if (found) return found;
  }
  return undefined;
}

/** From narrow to wide: the turn, its thread, and for a sub-agent its parent's, up to the client. */
async function* scopesOf(
  { threadId, turnId, method }: OpenRequest,
  places: HandlerPlaces,
): AsyncGenerator<Scope, void> {
  const { turns, threads, client, isLoaded } = places;
  const lineage = new Lineage(threadId ?? "", places);
  let at: Relative | undefined = threadId === undefined ? undefined : { threadId, turnId };
  while (at) {
    if (at.turnId !== undefined) {
      // The turn may be one whose start has not been answered yet.
      await turns.whenSettled(at.threadId, at.turnId);
      // Of several handles on one turn, the one that joined last has the word.
      yield* turns.sinksOf(at.threadId, at.turnId).toReversed();
    } else if (at.threadId === threadId) {
      // The turn that is being started is meant. There is no waiting for its id: a compaction asks for
      // the time before the item that it is known by.
      yield* turns.startersOf(threadId).toReversed();
    }
    yield threads.of(at.threadId) ?? {};
    const mayAsk = !isLoaded(at.threadId) && (threads.size > 0 || turns.size > 0);
    const parent = lineage.parentOf(at.threadId, mayAsk);
    at = parent instanceof Promise ? await parent : parent;
  }
  yield { handlers: client.handlers, first: client.added(method) };
}

function handlerIn(scope: Scope, request: OpenRequest): FoundHandler | undefined {
  const { method, params } = request;
  const raw = scope.first ?? rawHandlerIn(scope.handlers, method);
  if (raw) return { call: (context) => raw(params as never, context), toResult: unchanged };
  if (!isObject(params)) return undefined;
  if (method === "item/tool/call") {
    const call = request.params as DynamicToolCallParams;
    const isOurs = (call.namespace ?? null) === null;
    const tool = scope.tools?.find(({ name }) => isOurs && name === call.tool);
    return tool && { call: ({ signal }) => callTool(tool, call, { signal }), toResult: unchanged };
  }
  const kind = kindOf(method);
  const handler = scope.handlers && kind?.handlerIn(scope.handlers);
  return (
    handler && {
      call: (context) => handler((request.request ?? params) as never, context),
      toResult: (answer) => kind?.toResult(answer, params),
    }
  );
}

function rawHandlerIn(
  handlers: RequestHandlers | undefined,
  method: string,
): AnyRawHandler | undefined {
  const raw = handlers?.handlers;
  if (!raw || !Object.hasOwn(raw, method)) return undefined;
  return raw[method as keyof typeof raw];
}

function unchanged(answer: unknown): unknown {
  return answer;
}
