import { isDeepStrictEqual } from "node:util";
import type { SandboxMode, SandboxPolicy } from "../../../generated/types.js";
import {
  SandboxWidenedError,
  SettingsLoosenedError,
  type GuardedSetting,
} from "../../errors/settings-errors.js";
import type { OpeningSession } from "../opening-session.js";
import { busyError } from "../busy-error.js";
import { toSandboxPolicy } from "../../options/sandbox-options.js";
import { policyRank, readApprovals, reviewerRank } from "../../messages/approval-settings.js";
import { isWider, readSandboxPolicy } from "./sandbox-policy.js";

/** What a thread is to have, as far as somebody has said so. */
export interface AskedSettings {
  readonly approvalPolicy?: unknown;
  readonly approvalsReviewer?: unknown;
  /** A name stands for every policy of its kind: what makes it up is configuration. */
  readonly sandbox?: SandboxMode | undefined;
  /** The name of a permission profile, in place of a sandbox. */
  readonly permissions?: string | undefined;
}

/** What a request names; its `config` has the names of the configuration. */
interface NamingParams {
  readonly approvalPolicy?: unknown;
  readonly approvalsReviewer?: unknown;
  readonly sandbox?: SandboxMode | null | undefined;
  readonly permissions?: string | null | undefined;
  readonly config?: Readonly<Record<string, unknown>> | null | undefined;
}

/** The fields of an answer that tell what a thread has. */
interface OpenedSettings {
  readonly approvalPolicy?: unknown;
  readonly approvalsReviewer?: unknown;
  readonly sandbox?: unknown;
  readonly activePermissionProfile?: { readonly id?: unknown } | null;
}

type Difference = "none" | "stricter" | "looser";

/** What the params of a request ask for; of what they do not name, `otherwise` is asked for. */
export function askedIn(
  { config, ...params }: NamingParams,
  otherwise: AskedSettings,
): AskedSettings {
  const { sandbox, permissions } = namedSandbox(params, config ?? {}) ?? otherwise;
  return {
    approvalPolicy:
      params.approvalPolicy ?? config?.["approval_policy"] ?? otherwise.approvalPolicy,
    approvalsReviewer:
      params.approvalsReviewer ?? config?.["approvals_reviewer"] ?? otherwise.approvalsReviewer,
    sandbox,
    permissions,
  };
}

/**
 * The sandbox that a request names, itself or in its `config`, or that a table of the configuration does:
 * of the two names in one table, the server takes the profile.
 */
export function namedSandbox(
  { sandbox, permissions }: NamingParams,
  config: Readonly<Record<string, unknown>>,
): Pick<AskedSettings, "sandbox" | "permissions"> | undefined {
  if (sandbox) return { sandbox };
  if (permissions) return { permissions };
  const { sandbox_mode: mode, default_permissions: profile } = config;
  if (profile) return { permissions: profile as string };
  return mode ? { sandbox: mode as SandboxMode } : undefined;
}

/**
 * Compares what a thread is to have with what the server says that it has. What is stricter is logged;
 * for what is looser, this client lets go of the thread. What the answer does not tell is not compared.
 *
 * @throws SettingsLoosenedError, a SandboxWidenedError for the sandbox.
 */
export async function holdToSettings(
  session: Omit<OpeningSession, "on">,
  threadId: string,
  asked: AskedSettings,
  opened: unknown,
): Promise<void> {
  for (const [setting, difference] of differencesIn(asked, opened ?? {})) {
    if (difference === "stricter") {
      session.logger.warn(
        `The server has replaced the ${setting} that a thread was to have; the one it has is not looser.`,
      );
    } else if (difference === "looser") {
      // Whoever wants to start a turn on it has to load it, and is held to the same.
      session.memory.learn(threadId, toThreadSettings(asked));
      session.threads.find(threadId)?.unload();
      // Nothing of it is to be heard here that the server may do there.
      await session.call("thread/unsubscribe", { threadId }).catch(() => undefined);
      throw setting === "sandbox"
        ? new SandboxWidenedError(threadId, undefined)
        : new SettingsLoosenedError(threadId, setting);
    }
  }
}

/**
 * Whether input that names these settings may join the turn that runs on the thread: not when it is to be
 * asked about more, since the turn keeps its own approval policy and reviewer.
 *
 * @throws ThreadBusyError otherwise.
 */
export function checkJoin(
  { threads, memory }: Pick<OpeningSession, "threads" | "memory">,
  threadId: string,
  {
    approvalPolicy,
    approvalsReviewer,
  }: Pick<AskedSettings, "approvalPolicy" | "approvalsReviewer">,
): void {
  if (!threads.find(threadId)?.slots.isRunning) return;
  const asked = { approvalPolicy, approvalsReviewer };
  const isLooser = differencesIn(asked, memory.settingsOf(threadId)).some(
    ([, difference]) => difference === "looser",
  );
  if (!isLooser) return;
  throw busyError(
    "turn/start",
    "It was not sent: the running turn has a looser approval policy or reviewer. Wait until it has ended.",
  );
}

function differencesIn(
  asked: AskedSettings,
  told: OpenedSettings,
): readonly (readonly [GuardedSetting, Difference])[] {
  return [
    ["approvalPolicy", compare(asked.approvalPolicy, told.approvalPolicy, policyRank)],
    ["approvalsReviewer", compare(asked.approvalsReviewer, told.approvalsReviewer, reviewerRank)],
    ["sandbox", compareSandbox(asked, told)],
  ];
}

function toThreadSettings({ approvalPolicy, approvalsReviewer, sandbox }: AskedSettings) {
  const isNamed = sandbox !== undefined && sandbox in namedSandboxes;
  return {
    ...readApprovals({ approvalPolicy, approvalsReviewer }),
    ...(isNamed && { sandbox: toSandboxPolicy(sandbox) ?? undefined }),
  };
}

/** What is not understood may be anything. */
function compare(
  asked: unknown,
  told: unknown,
  rankOf: (value: unknown) => number | undefined,
): Difference {
  const wanted = rankOf(asked);
  if (wanted === undefined || isMissing(told) || isSame(asked, told)) return "none";
  const holds = rankOf(told);
  if (holds === undefined || holds > wanted) return "looser";
  // Two names of one reviewer are the same; two granular policies are not.
  return holds < wanted || typeof asked === "object" || typeof told === "object"
    ? "stricter"
    : "none";
}

/** The narrowest and the widest policy that a name stands for. */
const namedSandboxes: Readonly<
  Record<string, readonly [narrowest: SandboxPolicy, widest: SandboxPolicy]>
> = {
  "read-only": [{ type: "readOnly" }, { type: "readOnly" }],
  "workspace-write": [
    { type: "workspaceWrite", excludeTmpdirEnvVar: true, excludeSlashTmp: true },
    { type: "workspaceWrite", networkAccess: true },
  ],
  "danger-full-access": [{ type: "externalSandbox" }, { type: "dangerFullAccess" }],
};

function compareSandbox({ sandbox, permissions }: AskedSettings, told: OpenedSettings): Difference {
  if (isMissing(told.sandbox)) return "none";
  const holds = readSandboxPolicy(told.sandbox);
  if (permissions !== undefined) {
    if (told.activePermissionProfile?.id === permissions) return "none";
    // What a profile allows is not known here, but nothing allows less than this.
    return holds && !isWider(holds, { type: "readOnly" }) ? "stricter" : "looser";
  }
  const limits = sandbox && namedSandboxes[sandbox];
  if (!limits) return "none";
  const [narrowest, widest] = limits;
  if (!holds || isWider(holds, widest)) return "looser";
  return isWider(narrowest, holds) ? "stricter" : "none";
}

/** The server tells every rule of a granular policy; those that were not asked for are off. */
function isSame(asked: unknown, told: unknown): boolean {
  if (!isGranular(asked) || !isGranular(told)) return asked === told;
  const off = Object.fromEntries(Object.keys(told.granular).map((rule) => [rule, false]));
  return isDeepStrictEqual({ ...off, ...asked.granular }, told.granular);
}

function isGranular(value: unknown): value is { readonly granular: object } {
  const { granular } = (value ?? {}) as { granular?: unknown };
  return typeof granular === "object" && granular !== null;
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null;
}
