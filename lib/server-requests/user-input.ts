import type { ToolRequestUserInputParams } from "../../generated/types.js";
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
