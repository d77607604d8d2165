import type { SchemaIssue } from "../schema/json-schema.js";
import { AppServerError, hide, isAppServerError } from "../errors/base.js";

/** The arguments of a call do not fit the tool's `input`; the tool has not run. */
export class ToolInputError extends AppServerError {
  override readonly code = "TOOL_INPUT";
  /** The tool's name. */
  readonly tool: string;
  readonly issues: readonly SchemaIssue[];

  constructor(tool: string, issues: readonly SchemaIssue[]) {
    super(`The arguments of ${tool} do not fit its input; see issues.`);
    this.tool = tool;
    this.issues = issues;
    hide(this, "issues");
  }
}

/** Also of a tool that another copy of this package has defined. */
export function isToolInputError(error: unknown): error is ToolInputError {
  return isAppServerError(error) && error.code === "TOOL_INPUT";
}
