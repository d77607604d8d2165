import type { SchemaIssue } from "../schema/json-schema.js";
import type { TurnResult } from "../results/turn-result.js";
import { AppServerError, hide } from "../errors/base.js";

/** In what way an answer misses its `outputSchema`. */
export type OutputMismatchReason =
  /** The turn completed without an answer. */
  | "noAnswer"
  /** The answer is not JSON. */
  | "notJson"
  /** It is JSON, but does not fit the schema. */
  | "invalid";

/** The turn completed, but its answer does not fit `outputSchema`. The thread stays usable. */
export class OutputMismatchError extends AppServerError {
  override readonly code = "OUTPUT_MISMATCH";
  readonly reason: OutputMismatchReason;
  /** The answer as the model gave it; `null` when there is none. */
  readonly text: string | null;
  /** What does not fit, and where, for the reason `"invalid"`. It may quote the answer. */
  readonly issues: readonly SchemaIssue[];
  /** The rest of what the turn did. */
  readonly result: TurnResult;

  constructor(
    reason: OutputMismatchReason,
    result: TurnResult,
    issues: readonly SchemaIssue[] = [],
    options?: ErrorOptions,
  ) {
    super(explain(reason, issues), options);
    this.reason = reason;
    this.text = result.finalResponse;
    this.issues = issues;
    this.result = result;
    hide(this, "text", "issues", "result");
  }
}

function explain(reason: OutputMismatchReason, issues: readonly SchemaIssue[]): string {
  switch (reason) {
    case "noAnswer":
      return "The turn completed without an answer, so there is no output.";
    case "notJson":
      return "The answer is not JSON, so there is no output; see text.";
    default:
      // Where, but not what: the issues' own messages may quote the answer.
      return `The answer does not fit outputSchema in ${issues.length} place(s); see issues and text.`;
  }
}
