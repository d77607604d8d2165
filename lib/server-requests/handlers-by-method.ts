import { serverRequestKeys } from "../../generated/methods.js";
import type { DynamicToolCallParams } from "../../generated/types.js";
import type { CallerContext } from "../async/caller-context.js";
import { isJsonObject as isObject } from "../schema/json-schema.js";
import { callTool } from "../tools/call-tool.js";
import type { Tool } from "../tools/tool.js";
import type { AnyRawHandler } from "./client-handlers.js";
import type { ClientRequestHandlers, RequestHandlers } from "./handlers.js";
import type { OpenRequest } from "./open-request.js";
import type { RequestContext } from "./request-context.js";
import { kindOf } from "./request-kinds.js";

export interface FoundHandler {
  readonly kind: "handler" | "tool";
  readonly context: CallerContext | undefined;
  /** `failed` gets what goes wrong without the call's being rejected with it. */
  readonly call: (context: RequestContext, failed: (error: unknown) => void) => unknown;
  /** The answer in the shape of the protocol; it may still be wrong. */
  readonly toResult: (answer: unknown) => unknown;
}

/** The handlers that one scope was given: a turn, a thread, or the client. */
export interface HandlerScope {
  readonly handlers?: ClientRequestHandlers | undefined;
  readonly tools?: readonly Tool[] | undefined;
  /** The context in which they were given: of a turn, that of the call that started it. */
  readonly context?: CallerContext | undefined;
}

/** Finds the handler of a request of one method; undefined for a tool that the scope does not have. */
export type MethodHandler = (request: OpenRequest) => FoundHandler | undefined;

const toolCall = "item/tool/call";

/** The handlers of a scope, by method. A key whose value is undefined names nothing. */
export function handlersByMethod(scope: HandlerScope): Map<string, MethodHandler> {
  const found = new Map<string, MethodHandler>();
  for (const method of Object.keys(serverRequestKeys)) {
    const handler = methodHandlerIn(scope, method);
    if (handler) found.set(method, handler);
  }
  return found;
}

/** In one scope, the handler of the method goes before the typed handler of the same requests. */
export function methodHandlerIn(scope: HandlerScope, method: string): MethodHandler | undefined {
  const raw = rawHandlerIn(scope.handlers, method);
  const { context } = scope;
  if (raw) return fromRaw(raw, context);
  if (method === toolCall) return scope.tools && fromTools(scope.tools, context);
  const kind = kindOf(method);
  const handler = scope.handlers && kind?.handlerIn(scope.handlers);
  if (!kind || !handler) return undefined;
  return ({ params, request }) => {
    if (!isObject(params)) return undefined;
    return {
      kind: "handler",
      context,
      call: (about) => handler((request ?? params) as never, about),
      toResult: (answer) => kind.toResult(answer, params),
    };
  };
}

export function fromRaw(raw: AnyRawHandler, context: CallerContext | undefined): MethodHandler {
  return ({ params }) => ({
    kind: "handler",
    context,
    call: (about) => raw(params as never, about),
    toResult: (answer) => answer,
  });
}

function fromTools(tools: readonly Tool[], context: CallerContext | undefined): MethodHandler {
  return ({ params }) => {
    if (!isObject(params)) return undefined;
    const call = params as unknown as DynamicToolCallParams;
    const isOurs = (call.namespace ?? null) === null;
    const tool = tools.find(({ name }) => isOurs && name === call.tool);
    return (
      tool && {
        kind: "tool",
        context,
        call: ({ signal }, failed) => callTool(tool, call, { signal, failed }),
        toResult: (answer) => answer,
      }
    );
  };
}

function rawHandlerIn(
  handlers: RequestHandlers | undefined,
  method: string,
): AnyRawHandler | undefined {
  const raw = handlers?.handlers;
  if (!raw || !Object.hasOwn(raw, method)) return undefined;
  return raw[method as keyof typeof raw];
}
