import type { ThreadWarningMethod } from "../protocol.js";

/** What the server has warned of while a turn ran. */
export interface TurnWarning {
  /** `"guardianWarning"` is one of the reviewer that decides on approvals. */
  readonly method: ThreadWarningMethod;
  /** In the server's words, which may name paths and commands. */
  readonly message: string;
}
