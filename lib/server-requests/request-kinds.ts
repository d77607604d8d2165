import type { ServerRequests } from "../../generated/methods.js";
import type {
  CommandExecutionRequestApprovalParams,
  FileChangeRequestApprovalParams,
  FileUpdateChange,
  JsonValue,
  McpServerElicitationRequestParams,
  PermissionsRequestApprovalParams,
  ToolRequestUserInputParams,
} from "../../generated/types.js";
import { isDate } from "../async/realms.js";
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
import { denial } from "./refusals.js";
import { isObject } from "./result-checks.js";

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

/** A typed handler, whatever its request. */
export type TypedHandler = (request: never, context: RequestContext) => unknown;

/** How one method of the server looks to its typed handlers. */
export interface RequestKind {
  /** The option that its handler is given as. */
  readonly option: string;
  /** The request for handlers, where that is more than the params. */
  readonly describe?: (params: never, changes: Changes) => UserRequest;
  readonly handlerIn: (handlers: ClientRequestHandlers) => TypedHandler | undefined;
  /** A handler's answer in the shape of the protocol; it may still be wrong. */
  readonly toResult: (answer: unknown, params: Fields) => unknown;
}

type Changes = readonly FileUpdateChange[] | undefined;

/** The kind of a method that has typed handlers. */
export function kindOf(method: string): RequestKind | undefined {
  return Object.hasOwn(kinds, method) ? kinds[method] : undefined;
}

/** The methods that have typed handlers. */
export function kindMethods(): readonly string[] {
  return Object.keys(kinds);
}

const kinds: Readonly<Record<string, RequestKind>> = {
  "item/commandExecution/requestApproval": {
    ...approvalOf("command"),
    describe: (params: CommandExecutionRequestApprovalParams) => ({ ...params, type: "command" }),
    toResult: (decision) => (allowsEverything(decision) ? undefined : { decision }),
  },
  "item/fileChange/requestApproval": {
    ...approvalOf("fileChange"),
    describe: (params: FileChangeRequestApprovalParams, changes) => ({
      ...params,
      changes,
      type: "fileChange",
    }),
    toResult: (decision) => ({ decision }),
  },
  "item/permissions/requestApproval": {
    ...approvalOf("permissions"),
    describe: (params: PermissionsRequestApprovalParams) => ({ ...params, type: "permissions" }),
    toResult: toGrant,
  },
  "item/tool/requestUserInput": {
    ...handlerNamed("onUserInput"),
    describe: (params: ToolRequestUserInputParams) => ({ ...params, type: "userInput" }),
    toResult: toAnswers,
  },
  "mcpServer/elicitation/request": {
    ...handlerNamed("onElicitation"),
    describe: describeElicitation,
    toResult: toReply,
  },
  "account/chatgptAuthTokens/refresh": {
    ...handlerNamed("onAuthTokenRefresh"),
    toResult: (tokens) => tokens,
  },
  "attestation/generate": {
    ...handlerNamed("onAttestation"),
    toResult: (token) => ({ token }),
  },
  "currentTime/read": {
    ...handlerNamed("onCurrentTime"),
    toResult: (time) => isDate(time) && { currentTimeAt: Math.floor(time.getTime() / 1_000) },
  },
  execCommandApproval: firstProtocol("command"),
  applyPatchApproval: firstProtocol("fileChange"),
};

/**
 * A method of the first protocol, which no supported server uses for threads. Typed handlers cannot be
 * asked in its terms; where there is one, it keeps older and wider handlers of the method from
 * answering, and the request is refused.
 */
function firstProtocol(type: keyof ApprovalHandlers): RequestKind {
  return {
    option: "handlers",
    handlerIn: (handlers) => approvalOf(type).handlerIn(handlers) && (() => denial),
    toResult: (result) => result,
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
