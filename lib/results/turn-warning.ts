import type { ThreadWarningMethod } from "../protocol.js";

/** A warning of the server while a turn ran. */
export interface TurnWarning {
  /** `"guardianWarning"` is one of the reviewer that decides on approvals. */
  readonly method: ThreadWarningMethod;
  /** The server's words, which may name paths and commands. */
  readonly message: string;
}
