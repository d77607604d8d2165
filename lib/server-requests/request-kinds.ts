import type { ServerRequests } from "../../generated/methods.js";
import type {
  FileUpdateChange,
  JsonValue,
  McpServerElicitationRequestParams,
} from "../../generated/types.js";
import { isDate } from "../async/realms.js";
import type { Answer } from "../jsonrpc/message.js";
import { isJsonObject as isObject } from "../schema/json-schema.js";
import {
  persistences,
  type ApprovalDecision,
  type ApprovalHandlers,
  type ApprovalRequest,
} from "./approvals.js";
import type { ClientRequestHandlers } from "./handlers.js";
import type {
  ElicitationAnswer,
  ElicitationRequest,
  UserInputAnswers,
  UserInputRequest,
} from "./questions.js";
import type { RequestContext } from "./request-context.js";
import {
  isBoolean,
  isCommandDecision,
  isContentItem,
  isDecision,
  isGrant,
  isJson,
  isReviewDecision,
  isText,
  isTextList,
  optional,
} from "./result-checks.js";

/**
 * An answer for `respond()`: the value that a handler would return, or the result as it is on the wire.
 * Give an attestation token in the latter form, `{ token }`: if every string were an answer here, a
 * misspelt decision would be one.
 */
export type RequestAnswer =
  | ApprovalDecision
  | UserInputAnswers
  | ElicitationAnswer
  | Date
  // The last line serves methods whose result nobody knows: with `unknown` every value would be an
  // answer.
  | {
      [M in keyof ServerRequests]: unknown extends ServerRequests[M]["result"]
        ? never
        : ServerRequests[M]["result"];
    }[keyof ServerRequests]
  | { readonly [field: string]: JsonValue };

/** The requests that a person may be asked, as handlers and `pendingRequests()` show them. */
export type UserRequest = ApprovalRequest | UserInputRequest | ElicitationRequest;

export type Fields = Readonly<Record<string, unknown>>;

export type TypedHandler = (request: never, context: RequestContext) => unknown;

type Changes = readonly FileUpdateChange[] | undefined;

/** How one method of the server looks to its handlers, and what the server takes as an answer to it. */
interface KindOf<Params, Result> {
  /** The option that its handler is given as. */
  readonly option: string;
  /** The request for handlers, where that is more than the params. */
  readonly describe?: (params: Params, changes: Changes) => UserRequest;
  readonly handlerIn: (handlers: ClientRequestHandlers) => TypedHandler | undefined;
  /** A handler's answer in the shape of the protocol; it may still be wrong. */
  readonly toResult: (answer: unknown, params: Fields) => unknown;
  readonly isResult: (result: Fields) => boolean;
  /** The answer when no handler gives one: in the request's own shape, and a no. */
  readonly refuse: () => { readonly result: Result } | Extract<Answer, { error: unknown }>;
}

export type RequestKind = KindOf<never, unknown>;

/** The kind of a method; undefined for one that this library does not know. */
export function kindOf(method: string): RequestKind | undefined {
  return Object.hasOwn(kinds, method) ? kinds[method as keyof ServerRequests] : undefined;
}

/**
 * Whether a value is a result that the server takes for this method. It tells the model of a failure
 * when it is not, and for some methods ends the turn; we refuse instead. Only the handler knows the result of
 * a newer server's method.
 */
export function isResultOf(method: string, result: unknown): boolean {
  const kind = kindOf(method);
  return kind ? isObject(result) && kind.isResult(result) : isJson(result);
}

/**
 * The refusal for a request, always at once. An unanswered request would hold up its turn for ever; a
 * malformed answer is told to the model as a failure instead of a decision. A method that a newer server has
 * has no shape that is known, and is refused as one that this client does not have.
 */
export function refuseRequest(method: string): Answer {
  return kindOf(method)?.refuse() ?? notAvailable("this client does not know the method");
}

function notAvailable(message: string): Extract<Answer, { error: unknown }> {
  return { error: { code: -32_601, message } };
}

const kinds: {
  readonly [M in keyof ServerRequests]?: KindOf<
    ServerRequests[M]["params"],
    ServerRequests[M]["result"]
  >;
} = {
  "item/commandExecution/requestApproval": {
    ...approvalOf("command"),
    describe: (params) => ({ ...params, type: "command" }),
    toResult: (decision) => (allowsEverything(decision) ? undefined : { decision }),
    isResult: ({ decision }) => isCommandDecision(decision),
    refuse: () => ({ result: { decision: "decline" } }),
  },
  "item/fileChange/requestApproval": {
    ...approvalOf("fileChange"),
    describe: (params, changes) => ({ ...params, changes, type: "fileChange" }),
    toResult: (decision) => ({ decision }),
    isResult: ({ decision }) => isDecision(decision),
    refuse: () => ({ result: { decision: "decline" } }),
  },
  "item/permissions/requestApproval": {
    ...approvalOf("permissions"),
    describe: (params) => ({ ...params, type: "permissions" }),
    toResult: toGrant,
    isResult: ({ permissions, scope, strictAutoReview, ...others }) =>
      // A restriction that is misspelt would be left out.
      Object.keys(others).length === 0 &&
      isGrant(permissions) &&
      (scope === undefined || scope === "turn" || scope === "session") &&
      optional(isBoolean)(strictAutoReview),
    refuse: () => ({ result: { permissions: {}, scope: "turn" } }),
  },
  "item/tool/requestUserInput": {
    ...handlerNamed("onUserInput"),
    describe: (params) => ({ ...params, type: "userInput" }),
    toResult: toAnswers,
    isResult: ({ answers }) =>
      isObject(answers) &&
      Object.values(answers).every((each) => isObject(each) && isTextList(each["answers"])),
    refuse: () => ({ result: { answers: {} } }),
  },
  "item/tool/call": {
    option: "tools",
    handlerIn: () => undefined,
    toResult: (result) => result,
    isResult: ({ contentItems, success }) =>
      isBoolean(success) && Array.isArray(contentItems) && contentItems.every(isContentItem),
    refuse: () => {
      const text = "This client does not offer the tool.";
      return { result: { contentItems: [{ type: "inputText", text }], success: false } };
    },
  },
  "mcpServer/elicitation/request": {
    ...handlerNamed("onElicitation"),
    describe: describeElicitation,
    toResult: toReply,
    isResult: ({ action, content, _meta: meta }) =>
      ["accept", "decline", "cancel"].includes(action as string) &&
      optional(isJson)(content) &&
      optional(isJson)(meta),
    refuse: () => ({ result: { action: "decline", content: null, _meta: null } }),
  },
  "account/chatgptAuthTokens/refresh": {
    ...handlerNamed("onAuthTokenRefresh"),
    toResult: (tokens) => tokens,
    isResult: (tokens) =>
      isText(tokens["accessToken"]) &&
      isText(tokens["chatgptAccountId"]) &&
      optional(isText)(tokens["chatgptPlanType"]),
    refuse: () => notAvailable("this client does not manage logins"),
  },
  "attestation/generate": {
    ...handlerNamed("onAttestation"),
    toResult: (token) => ({ token }),
    isResult: ({ token }) => isText(token),
    refuse: () => notAvailable("this client does not attest"),
  },
  "currentTime/read": {
    ...handlerNamed("onCurrentTime"),
    toResult: (time) => isDate(time) && toSeconds(time),
    isResult: ({ currentTimeAt }) => Number.isSafeInteger(currentTimeAt),
    // Nothing is granted by telling the time, while an error would end the turn.
    refuse: () => ({ result: toSeconds(new Date()) }),
  },
  execCommandApproval: firstProtocol("command"),
  applyPatchApproval: firstProtocol("fileChange"),
};

/**
 * A method of the first protocol, which no supported server uses for threads. Typed handlers cannot be
 * asked in its terms; where there is one, it keeps older and wider handlers of the method from
 * answering, and the request is refused.
 */
function firstProtocol(
  type: keyof ApprovalHandlers,
): KindOf<unknown, ServerRequests["execCommandApproval"]["result"]> {
  const rejection = "This client does not decide approvals.";
  const denial = { decision: { denied: { rejection } } };
  return {
    option: "handlers",
    handlerIn: (handlers) => approvalOf(type).handlerIn(handlers) && (() => denial),
    toResult: (result) => result,
    isResult: ({ decision }) => isReviewDecision(decision),
    refuse: () => ({ result: denial }),
  };
}

type WithHandler = Pick<RequestKind, "option" | "handlerIn">;

function approvalOf(type: keyof ApprovalHandlers): WithHandler {
  return {
    option: `onApproval.${type}`,
    handlerIn: ({ onApproval }) => {
      const given = typeof onApproval === "object" ? onApproval[type] : onApproval;
      return typeof given === "string" ? () => given : given;
    },
  };
}

function handlerNamed(
  option: Exclude<keyof ClientRequestHandlers, "onApproval" | "handlers">,
): WithHandler {
  return { option, handlerIn: (handlers) => handlers[option] };
}

/** Every command begins with no word. */
function allowsEverything(decision: unknown): boolean {
  const amendment = isObject(decision) ? decision["acceptWithExecpolicyAmendment"] : undefined;
  const words = isObject(amendment) ? amendment["execpolicy_amendment"] : undefined;
  return Array.isArray(words) && words.every((word) => word === "");
}

function toSeconds(time: Date): { currentTimeAt: number } {
  return { currentTimeAt: Math.floor(time.getTime() / 1_000) };
}

function toGrant(decision: unknown, { permissions }: Fields): unknown {
  switch (decision) {
    case "accept":
      return { permissions, scope: "turn" };
    case "acceptForSession":
      return { permissions, scope: "session" };
    case "decline":
      return { permissions: {}, scope: "turn" };
    default:
      return isObject(decision) ? { scope: "turn", ...withoutUndefined(decision) } : undefined;
  }
}

function toAnswers(answers: unknown): unknown {
  if (!isObject(answers)) return undefined;
  const lists = Object.entries(answers).map(([id, given]) => [
    id,
    { answers: typeof given === "string" ? [given] : given },
  ]);
  return { answers: Object.fromEntries(lists) as unknown };
}

const replyKeys = new Set(["action", "content", "_meta"]);

function toReply(answer: unknown, { _meta: asked }: Fields): unknown {
  const reply = typeof answer === "string" ? { action: answer } : answer;
  if (!isObject(reply)) return undefined;
  if (!Object.keys(reply).every((key) => replyKeys.has(key))) return undefined;
  const { _meta: meta } = reply;
  // Whatever the server made of another duration, it would call the tool.
  const persist = isToolApproval(asked) && isObject(meta) ? meta["persist"] : undefined;
  if (persist !== undefined && !persistences.includes(persist)) return undefined;
  const content = reply["action"] === "accept" ? {} : null;
  return { content, _meta: null, ...withoutUndefined(reply) };
}

function describeElicitation(params: McpServerElicitationRequestParams): ElicitationRequest {
  if (params.mode === "url") return { ...params, type: "url" };
  if (params.mode !== "form") return { ...params, type: "other" };
  const { _meta: meta } = params;
  if (!isToolApproval(meta)) return { ...params, type: "form" };
  const { tool_name: name, tool_params: args } = meta;
  const toolName = typeof name === "string" ? name : undefined;
  return { ...params, type: "toolApproval", toolName, toolArguments: args };
}

function isToolApproval(meta: unknown): meta is Record<string, JsonValue> {
  return isObject(meta) && meta["codex_approval_kind"] === "mcp_tool_call";
}

function withoutUndefined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
