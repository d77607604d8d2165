import type { ServerRequests } from "../../generated/methods.js";
import type { JsonValue } from "../../generated/types.js";
import type { ApprovalDecision } from "./approvals.js";
import type { ElicitationAnswer } from "./elicitations.js";
import type { UserInputAnswers } from "./user-input.js";

/** What `respond()` takes: what a handler would return, or the result as it is on the wire. */
export type RequestAnswer =
  | ApprovalDecision
  | UserInputAnswers
  | ElicitationAnswer
  | Date
  | ServerRequests[keyof ServerRequests]["result"]
  | { readonly [field: string]: JsonValue };
