import type { DynamicToolCallParams } from "../../generated/types.js";
import type { SubagentTree } from "../rpc/subagent-tree.js";
import { callTool } from "../tools/call-tool.js";
import type { Tool } from "../tools/tool.js";
import type { AnyRawHandler, ClientHandlers } from "./client-handlers.js";
import type { ClientRequestHandlers, RequestHandlers } from "./handlers.js";
import type { OpenRequest } from "./open-request.js";
import type { RequestContext } from "./request-context.js";
import { kindOf } from "./request-kinds.js";
import { isObject } from "./result-checks.js";
import type { ThreadScopes } from "./thread-scopes.js";

/** What is asked of the routes of turns; `TurnRoutes` knows all of it. */
export interface RequestTurns {
  /** How many threads have turns that are followed. */
  readonly size: number;
  sinksOf(
    threadId: string,
    turnId: string,
  ): readonly { readonly handlers?: RequestHandlers | undefined }[];
  whenSettled(threadId: string, turnId: string): Promise<void> | undefined;
}

/** Where handlers are looked for. */
export interface HandlerPlaces {
  readonly turns: RequestTurns;
  readonly threads: ThreadScopes;
  readonly client: ClientHandlers;
  readonly subagents: SubagentTree;
  readonly isLoaded: (threadId: string) => boolean;
  /** Asks the server for the parent of a thread: null when it has none; never rejects. */
  readonly askParent: (threadId: string) => Promise<string | null | undefined>;
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
  { threadId: ownThread, turnId: ownTurn, method }: OpenRequest,
  { turns, threads, client, subagents, isLoaded, askParent }: HandlerPlaces,
): AsyncGenerator<Scope, void> {
  const root = ownThread === undefined ? undefined : subagents.rootTurnOf(ownThread);
  const seen = new Set<string>();
  let threadId = ownThread;
  let turnId = ownTurn;
  while (threadId !== undefined && !seen.has(threadId)) {
    seen.add(threadId);
    if (turnId !== undefined) {
      // The turn may be one whose start has not been answered yet.
      await turns.whenSettled(threadId, turnId);
      // Of several handles on one turn, the one that joined last has the word.
      yield* turns.sinksOf(threadId, turnId).toReversed();
    }
    yield threads.of(threadId) ?? {};
    const known = subagents.parentOf(threadId);
    if (known === undefined && !isLoaded(threadId) && (threads.size > 0 || turns.size > 0)) {
      const id = await askParent(threadId);
      // Meanwhile the item may have come that knows more.
      if (id !== undefined && subagents.parentOf(threadId) === undefined) {
        subagents.learn(threadId, id === null ? null : { threadId: id, turnId: undefined });
      }
    }
    const parent = subagents.parentOf(threadId);
    threadId = parent?.threadId;
    turnId = parent?.turnId ?? root;
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
