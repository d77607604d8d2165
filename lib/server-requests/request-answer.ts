import type { ServerRequests } from "../../generated/methods.js";
import type { JsonValue } from "../../generated/types.js";
import type { ApprovalDecision } from "./approvals.js";
import type { ElicitationAnswer } from "./elicitations.js";
import type { UserInputAnswers } from "./user-input.js";

/**
 * What `respond()` takes: what a handler would return, or the result as it is on the wire. An
 * attestation token comes in the latter, as `{ token }`: if every string were an answer here, so would
 * be a decision that is misspelt.
 */
export type RequestAnswer =
  | ApprovalDecision
  | UserInputAnswers
  | ElicitationAnswer
  | Date
  // Of a method whose result nobody knows, the last line has to do: beside `unknown` all would be answers.
  | {
      [M in keyof ServerRequests]: unknown extends ServerRequests[M]["result"]
        ? never
        : ServerRequests[M]["result"];
    }[keyof ServerRequests]
  | { readonly [field: string]: JsonValue };
