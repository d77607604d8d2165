import type {
  SandboxPolicy,
  SandboxMode,
  ThreadForkParams,
  ThreadResumeParams,
  ThreadSettingsUpdateParams,
  ThreadStartParams,
} from "../../generated/types.js";
import type { Traced } from "../diagnostics/trace-context.js";
import type { AllowUndefined } from "../protocol.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { BoundTools, StartThreadTools } from "../tools/tool.js";
import type { Budgeted } from "./turn-options.js";

/**
 * Settings of a new thread, as in `thread/start`, who answers the server's requests on it, and the
 * tools that this client has for it.
 */
export interface StartThreadOptions
  extends AllowUndefined<ThreadStartParams>, RequestHandlers, StartThreadTools, Traced, Budgeted {
  /**
   * Whether the server may trust the directory `cwd`, and the repository that it belongs to (default: that
   * of the client, which is false). In a trusted directory its own `.codex` counts: its configuration,
   * whose MCP servers are started without a sandbox and without an approval, its hooks and its rules. With
   * true, the server notes the trust in the user's `config.toml`, for good, when the thread may write.
   *
   * With false, nothing is noted. A note that the user has made, either way, counts as it always does.
   */
  trustProject?: boolean | undefined;
}

/**
 * The changes while resuming, as in `thread/resume`, and the handlers of the server's requests on the
 * thread. Of the instructions, codex 0.169.0 shows only `baseInstructions` to the model;
 * `developerInstructions` work in `startThread`.
 */
export interface ResumeThreadOptions
  extends
    AllowUndefined<Omit<ThreadResumeParams, "threadId">>,
    RequestHandlers,
    BoundTools,
    Traced,
    Budgeted {}

/**
 * The changes in the copy, and where to cut it, as in `thread/fork`; and the handlers of the server's
 * requests on the copy, which does not take over those of this thread. It has the tools of this thread,
 * carried out by the same functions unless `tools` has others.
 */
export interface ForkThreadOptions
  extends
    AllowUndefined<Omit<ThreadForkParams, "threadId">>,
    RequestHandlers,
    BoundTools,
    Traced,
    Budgeted {}

/** Options of a handle on a thread. */
export interface ThreadHandleOptions extends RequestHandlers, BoundTools, Budgeted {}

/** The changes of a thread's settings, as in `thread/settings/update`. */
export interface UpdateSettingsOptions extends AllowUndefined<
  Omit<ThreadSettingsUpdateParams, "threadId" | "sandboxPolicy">
> {
  /** A name, as for new threads, or a whole policy. */
  sandbox?: SandboxMode | SandboxPolicy | null | undefined;
}
