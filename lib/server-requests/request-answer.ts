import type { ServerRequests } from "../../generated/methods.js";
import type { JsonValue } from "../../generated/types.js";
import type { ApprovalDecision } from "./approvals.js";
import type { ElicitationAnswer } from "./elicitations.js";
import type { UserInputAnswers } from "./user-input.js";

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
