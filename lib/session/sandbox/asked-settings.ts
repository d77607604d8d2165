import type { SandboxMode } from "../../../generated/types.js";

/** What a thread is to have, as far as somebody has said so. */
export interface AskedSettings {
  readonly approvalPolicy?: unknown;
  readonly approvalsReviewer?: unknown;
  /** A name stands for every policy of its kind: what makes it up is configuration. */
  readonly sandbox?: SandboxMode | undefined;
  /** The name of a permission profile, in place of a sandbox. */
  readonly permissions?: string | undefined;
}
