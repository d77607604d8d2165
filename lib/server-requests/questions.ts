import type {
  JsonValue,
  McpServerElicitationRequestParams,
  ToolRequestUserInputParams,
} from "../../generated/types.js";
import type { Answering, RequestContext } from "./request-context.js";

/** Questions of the agent to the user; each has an id, and may have options to choose from. */
export interface UserInputRequest extends Readonly<ToolRequestUserInputParams> {
  readonly type: "userInput";
}

/** Answers by the id of the question; leave a question out to leave it unanswered. */
export type UserInputAnswers = Readonly<Record<string, string | readonly string[]>>;

export type UserInputHandler = (
  request: UserInputRequest,
  context: RequestContext,
) => Answering<UserInputAnswers>;

/** The params of a request of one `mode`, as in `mcpServer/elicitation/request`. */
export type ElicitationParams<Mode> = Readonly<
  Extract<McpServerElicitationRequestParams, { mode: Mode }>
>;

/**
 * A question of an MCP server to the user: `"form"` asks for values that fit `requestedSchema`, `"url"`
 * asks to open a page. With `"toolApproval"` codex asks whether it may call a tool of an MCP server.
 * `"other"` are OpenAI's own, by `mode`.
 */
export type ElicitationRequest =
  FormElicitation | UrlElicitation | ToolApprovalElicitation | OtherElicitation;

export type FormElicitation = ElicitationParams<"form"> & { readonly type: "form" };
export type UrlElicitation = ElicitationParams<"url"> & { readonly type: "url" };
export type ToolApprovalElicitation = ElicitationParams<"form"> & {
  readonly type: "toolApproval";
  /** The tool, of the MCP server `serverName`; undefined when the server does not tell. */
  readonly toolName: string | undefined;
  /** The arguments of the call. */
  readonly toolArguments: JsonValue | undefined;
};
export type OtherElicitation = ElicitationParams<
  "openai/form" | "openaiForm" | "openai/userVerification"
> & {
  readonly type: "other";
};

/**
 * The answer to an elicitation. `"accept"` alone sends no values, which is right for a tool approval; to
 * be asked less often, see `approve.tool()`.
 */
export type ElicitationAnswer = "accept" | "decline" | "cancel" | ElicitationReply;

export interface ElicitationReply {
  readonly action: "accept" | "decline" | "cancel";
  /** The values, when accepted. */
  readonly content?: JsonValue | undefined;
  readonly _meta?: JsonValue | undefined;
}

export type ElicitationHandler = (
  request: ElicitationRequest,
  context: RequestContext,
) => Answering<ElicitationAnswer>;
