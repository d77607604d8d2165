import { serverRequestKeys, type ServerRequests } from "../../generated/methods.js";
import type {
  ChatgptAuthTokensRefreshParams,
  ChatgptAuthTokensRefreshResponse,
} from "../../generated/types.js";
import { checkKeys, findUnknownKey, type KeysOf } from "../errors/check-options.js";
import { callback, check } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import {
  approvalPresets,
  type ApprovalHandler,
  type ApprovalHandlers,
  type ApprovalPreset,
} from "./approvals.js";
import type { ElicitationHandler, UserInputHandler } from "./questions.js";
import type { Answering, RequestContext } from "./request-context.js";

/**
 * The handlers of the server's requests about a thread or a turn. The narrowest scope that has a handler
 * for a request answers it: the turn, the thread, for a sub-agent those of its parent, the client. Without
 * a handler, and when a handler throws or returns something else than it should, the answer is a refusal.
 * Handlers run beside each other, and nothing else waits for them.
 */
export interface RequestHandlers {
  /**
   * Decides whether commands run, files are changed and permissions are granted: a function for each type
   * of request, one function, or a preset: `"decline"` (default), `"accept"` or `"acceptForSession"`. The
   * type of a single function cannot say which decisions fit which request: `"cancel"` for permissions
   * compiles, and is a refusal at run time.
   */
  onApproval?: ApprovalPreset | ApprovalHandler | ApprovalHandlers | undefined;
  /** Answers the agent's questions to the user. Default: no answer. */
  onUserInput?: UserInputHandler | undefined;
  /** Answers MCP servers, and whether their tools may be called. Default: decline. */
  onElicitation?: ElicitationHandler | undefined;
  /**
   * Tells the agent the time. A server up to 0.169.0 asks for it when its configuration says
   * `features.current_time_reminder.clock_source = "external"`. Default: the time of this machine. 0.171.0
   * does not ask, and refuses threads with that setting: they reject with an `ExternalClockError`.
   */
  onCurrentTime?:
    | ((request: { readonly threadId: string }, context: RequestContext) => Answering<Date>)
    | undefined;
  /**
   * Handlers by method, which get the params and return the result as they are on the wire. Where
   * there is a handler of the same scope above for the request, this one goes before it.
   */
  handlers?:
    Omit<RawHandlers, "account/chatgptAuthTokens/refresh" | "attestation/generate"> | undefined;
}

/** The handlers that only a client can have, because their requests are about no thread. */
export interface ClientRequestHandlers extends RequestHandlers {
  /**
   * Gives new tokens to a login of the type `chatgptAuthTokens`, whose old ones were refused. The server
   * waits 10 s for them. Default: an error.
   */
  onAuthTokenRefresh?:
    | ((
        request: Readonly<ChatgptAuthTokensRefreshParams>,
        context: RequestContext,
      ) => Answering<ChatgptAuthTokensRefreshResponse>)
    | undefined;
  /**
   * Gives an attestation token. The server asks only clients that had this handler, or one of the
   * method, when they connected: `handle("attestation/generate")` later has no effect.
   */
  onAttestation?: ((request: object, context: RequestContext) => Answering<string>) | undefined;
  /**
   * Handlers by method, as for threads and turns, and also for methods that are about no thread.
   */
  handlers?: RawHandlers | undefined;
}

/** Answers one method of the protocol, in the shape it has on the wire. */
export type RawHandler<M extends keyof ServerRequests> = (
  params: ServerRequests[M]["params"],
  context: RequestContext,
) => Answering<ServerRequests[M]["result"]>;

export type RawHandlers = { readonly [M in keyof ServerRequests]?: RawHandler<M> | undefined };

export const requestHandlerKeys: KeysOf<RequestHandlers> = {
  onApproval: true,
  onUserInput: true,
  onElicitation: true,
  onCurrentTime: true,
  handlers: true,
};

const ofClient = { onAuthTokenRefresh: true, onAttestation: true } as const;
const methodsOfClient = ["account/chatgptAuthTokens/refresh", "attestation/generate"] as const;

export const clientRequestHandlerKeys: KeysOf<ClientRequestHandlers> = {
  ...requestHandlerKeys,
  ...ofClient,
};

const approvalKeys: KeysOf<ApprovalHandlers> = {
  command: true,
  fileChange: true,
  permissions: true,
};

/**
 * The handlers among the options of a thread or a turn; undefined when there are none.
 *
 * @throws InvalidArgumentError
 */
export function handlersIn(options: RequestHandlers): RequestHandlers | undefined {
  for (const name of Object.keys(ofClient)) refuseHere(name, Reflect.get(options, name));
  const found = checkHandlers(options);
  for (const method of methodsOfClient) {
    refuseHere(`handlers["${method}"]`, found?.handlers?.[method]);
  }
  return found;
}

/** It would never be called. */
function refuseHere(name: string, handler: unknown): void {
  if (handler === undefined) return;
  throw new InvalidArgumentError(name, "must be given to the client: it is about no thread");
}

/**
 * The handlers among the options of a client; undefined when there are none.
 *
 * @throws InvalidArgumentError
 */
export function checkHandlers(options: ClientRequestHandlers): ClientRequestHandlers | undefined {
  const found: Record<string, unknown> = {};
  for (const name of Object.keys(clientRequestHandlerKeys)) {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined) continue;
    if (name === "onApproval") checkApproval(name, value, true);
    else if (name === "handlers") checkRawHandlers(value);
    else check(name, value, callback);
    found[name] = value;
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

function checkApproval(name: string, value: unknown, byType: boolean): void {
  if (typeof value === "function") return;
  if ((approvalPresets as readonly unknown[]).includes(value)) return;
  if (!byType || typeof value !== "object" || value === null) {
    const presets = approvalPresets.map((preset) => JSON.stringify(preset)).join(", ");
    const forms = byType ? "a function, an object of functions by type," : "a function";
    throw new InvalidArgumentError(name, `must be ${forms} or one of ${presets}`);
  }
  const unknown = findUnknownKey(name, value, approvalKeys);
  if (unknown) {
    const problem = `must name command, fileChange or permissions only, not ${unknown.key}`;
    throw new InvalidArgumentError(name, `${problem}${unknown.advice}`);
  }
  for (const [type, handler] of Object.entries(value)) {
    if (handler !== undefined) checkApproval(`${name}.${type}`, handler, false);
  }
}

function checkRawHandlers(value: unknown): void {
  if (typeof value !== "object" || value === null) {
    throw new InvalidArgumentError("handlers", "must be an object of functions by method");
  }
  // For a method of a newer server there is handle().
  checkKeys("handlers", value, serverRequestKeys);
  for (const [method, handler] of Object.entries(value)) {
    if (handler !== undefined) check(`handlers["${method}"]`, handler, callback);
  }
}
