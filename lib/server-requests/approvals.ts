import type {
  CommandExecutionApprovalDecision,
  CommandExecutionRequestApprovalParams,
  FileChangeApprovalDecision,
  FileChangeRequestApprovalParams,
  FileUpdateChange,
  GrantedPermissionProfile,
  NetworkPolicyAmendment,
  PermissionGrantScope,
  PermissionsRequestApprovalParams,
} from "../../generated/types.js";
import { checkKeys, checkOptions, type KeysOf } from "../errors/check-options.js";
import { check, checkFields, checkText, flag, oneOf } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import type { ElicitationReply } from "./questions.js";
import type { Answering, RequestContext } from "./request-context.js";
import { isGrant, isTextList } from "./result-checks.js";

/**
 * May this command run? `command`, `cwd` and `reason` say what and why. A request to reach a host has a
 * `networkApprovalContext` that names the host, and neither `command` nor `cwd`. `availableDecisions` are
 * the decisions that the server suggests; the others work as well.
 */
export interface CommandApproval extends Readonly<CommandExecutionRequestApprovalParams> {
  readonly type: "command";
}

/** May these files be changed? */
export interface FileChangeApproval extends Readonly<FileChangeRequestApprovalParams> {
  readonly type: "fileChange";
  /**
   * The changes, each file with its diff, as the item announced them. Undefined when this connection has
   * not seen the item, which happens after resuming a thread that was waiting.
   */
  readonly changes: readonly FileUpdateChange[] | undefined;
}

/** May the agent have these permissions? */
export interface PermissionsApproval extends Readonly<PermissionsRequestApprovalParams> {
  readonly type: "permissions";
}

/** A request that `onApproval` decides; `type` tells the three apart. */
export type ApprovalRequest = CommandApproval | FileChangeApproval | PermissionsApproval;

/**
 * `"accept"` runs the command once, `"acceptForSession"` also when it comes again on this thread.
 * `"decline"` refuses it and lets the turn go on; `"cancel"` ends the turn as interrupted.
 * `approve.execPolicy()` and `approve.network()` make the compound decisions.
 */
export type CommandDecision = CommandExecutionApprovalDecision;

/** The decisions are those for commands; `"acceptForSession"` also covers later changes of the same files. */
export type FileChangeDecision = FileChangeApprovalDecision;

/**
 * `"accept"` grants the permissions until the turn ends, `"acceptForSession"` as long as the thread is
 * loaded; `approve.permissions()` grants a part of them.
 */
export type PermissionsDecision = "accept" | "acceptForSession" | "decline" | PermissionsGrant;

/** The granted permissions, and how long they hold; see `approve.permissions()`. */
export interface PermissionsGrant {
  readonly permissions: GrantedPermissionProfile;
  readonly scope?: PermissionGrantScope | undefined;
  /** Whether every later command of the turn is reviewed before it runs. */
  readonly strictAutoReview?: boolean | null | undefined;
}

/**
 * A decision of any kind. The request's type says which are legal; the library refuses a request that gets
 * another one.
 */
export type ApprovalDecision = CommandDecision | FileChangeDecision | PermissionsDecision;

/** The same answer to every approval. */
export type ApprovalPreset = "decline" | "accept" | "acceptForSession";

export type ApprovalHandler = (
  request: ApprovalRequest,
  context: RequestContext,
) => Answering<ApprovalDecision>;

/**
 * A handler, or a preset, for each type of approval. A type that is left out falls to the next
 * wider scope.
 */
export interface ApprovalHandlers {
  readonly command?:
    | ApprovalPreset
    | ((request: CommandApproval, context: RequestContext) => Answering<CommandDecision>)
    | undefined;
  readonly fileChange?:
    | ApprovalPreset
    | ((request: FileChangeApproval, context: RequestContext) => Answering<FileChangeDecision>)
    | undefined;
  readonly permissions?:
    | ApprovalPreset
    | ((request: PermissionsApproval, context: RequestContext) => Answering<PermissionsDecision>)
    | undefined;
}

export const approvalPresets: readonly ApprovalPreset[] = ["decline", "accept", "acceptForSession"];

/**
 * Builds the decisions that are more than a word. Each function throws an InvalidArgumentError for a
 * value that the server would misunderstand; in a handler that is a refusal.
 */
export const approve = {
  /**
   * Runs the command, and from now on every command that begins with these words:
   * `approve.execPolicy(["git", "status"])`. The server proposes some in
   * `request.proposedExecpolicyAmendment`.
   */
  execPolicy(words: readonly string[]): CommandDecision {
    // An empty list would be the beginning of every command.
    if (!isTextList(words) || words.length === 0 || words.includes("")) {
      throw new InvalidArgumentError("words", "must be an array of at least one word");
    }
    return { acceptWithExecpolicyAmendment: { execpolicy_amendment: [...words] } };
  },
  /**
   * Allows, or denies, a host from now on, on every thread: codex writes it to its rules. For
   * approvals with a `networkApprovalContext`; see `request.proposedNetworkPolicyAmendments`.
   */
  network(rule: NetworkPolicyAmendment): CommandDecision {
    checkKeys("rule", rule, ruleKeys);
    const { host, action } = rule;
    checkText("rule.host", host);
    check("rule.action", action, oneOf("allow", "deny"));
    return { applyNetworkPolicyAmendment: { network_policy_amendment: { host, action } } };
  },
  /**
   * Grants these permissions, all or some of `request.permissions`, for this turn (default) or for
   * the session, which is as long as the thread is loaded.
   */
  permissions(
    permissions: GrantedPermissionProfile,
    options: Omit<PermissionsGrant, "permissions"> = {},
  ): PermissionsGrant {
    if (!isGrant(permissions)) {
      throw new InvalidArgumentError("permissions", "must be permissions, as in the request");
    }
    checkOptions("approve.permissions()", options, grantOptionKeys);
    checkFields(options, { scope: oneOf("turn", "session") });
    // The server takes null as well.
    check("strictAutoReview", options.strictAutoReview ?? true, flag);
    return { permissions, ...options };
  },
  /**
   * For `onElicitation`: allows the call of an MCP tool, and with `persist` the later ones too, for
   * the `"session"` or for good (`"always"`, which codex writes to its configuration).
   */
  tool(options: { persist?: "session" | "always" | undefined } = {}): ElicitationReply {
    checkOptions("approve.tool()", options, { persist: true });
    checkFields(options, { persist: oneOf(...persistences) });
    const { persist } = options;
    return {
      action: "accept",
      content: {},
      ...(persist === undefined ? {} : { _meta: { persist } }),
    };
  },
} as const;

/** For how long an MCP tool may be allowed. */
export const persistences: readonly unknown[] = ["session", "always"];

const ruleKeys: KeysOf<NetworkPolicyAmendment> = { host: true, action: true };

const grantOptionKeys: KeysOf<Omit<PermissionsGrant, "permissions">> = {
  scope: true,
  strictAutoReview: true,
};
