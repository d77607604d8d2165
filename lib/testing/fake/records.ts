/* eslint-disable @typescript-eslint/no-deprecated -- the server sends deprecated fields, too */
import type {
  SandboxPolicy,
  Thread,
  ThreadSettings,
  Turn,
  TurnError,
} from "../../../generated/types.js";
import { RUNTIME_VERSION } from "../../../generated/runtime.js";
import type { ParamsOf, ResultOf } from "../../protocol.js";

/** Whole records of the protocol, for messages that are as complete as the server's. */

export const fakeModel = "fake-model";
const modelProvider = "fake";
/** Where a thread works that was started without `cwd`. */
const defaultCwd = "/home/user/project";

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/** What `initialize` answers. */
export function initialized(clientName: string, version = RUNTIME_VERSION): ResultOf<"initialize"> {
  return {
    userAgent: `${clientName}/${version} (Linux; x86_64)`,
    codexHome: "/home/user/.codex",
    platformFamily: "unix",
    platformOs: "linux",
  };
}

/** The settings of a thread that a client names, and that the server tells. */
export type ThreadChoices = Pick<
  ParamsOf<"thread/start">,
  "cwd" | "model" | "approvalPolicy" | "approvalsReviewer" | "sandbox" | "permissions" | "ephemeral"
>;

/** A thread that nothing has happened on yet. */
export function newThread(id: string, { cwd, model, ephemeral }: ThreadChoices): Thread {
  const now = nowSeconds();
  return {
    id,
    environments: null,
    extra: null,
    sessionId: id,
    forkedFromId: null,
    attachedToThreadId: null,
    parentThreadId: null,
    preview: "",
    ephemeral: ephemeral ?? false,
    section: null,
    sectionEnteredAt: null,
    projectId: null,
    historyMode: "paginated",
    modelProvider,
    model: model ?? fakeModel,
    reasoningEffort: null,
    createdAt: now,
    updatedAt: now,
    recencyAt: now,
    status: { type: "idle" },
    path: null,
    cwd: cwd ?? defaultCwd,
    cliVersion: RUNTIME_VERSION,
    originator: "fake-app-server",
    source: "vscode",
    canAcceptDirectInput: true,
    threadSource: null,
    agentNickname: null,
    agentRole: null,
    gitInfo: null,
    name: null,
    daybreakEnabled: null,
    turns: [],
  };
}

/** The settings that a thread starts with. */
export function newSettings(choices: ThreadChoices): ThreadSettings {
  const model = choices.model ?? fakeModel;
  return {
    disabledPluginIds: [],
    cwd: choices.cwd ?? defaultCwd,
    environments: null,
    approvalPolicy: choices.approvalPolicy ?? "on-request",
    approvalsReviewer: choices.approvalsReviewer ?? "user",
    sandboxPolicy: policyOf(choices.sandbox ?? "read-only"),
    activePermissionProfile: choices.permissions ? profile(choices.permissions) : null,
    model,
    modelProvider,
    serviceTier: null,
    effort: null,
    summary: null,
    collaborationMode: { mode: "default", settings: { model } },
    multiAgentMode: "explicitRequestOnly",
    personality: null,
  };
}

export function profile(id: string): NonNullable<ThreadSettings["activePermissionProfile"]> {
  return { id, extends: null };
}

/** The policy that a sandbox's name stands for. */
export function policyOf(sandbox: NonNullable<ParamsOf<"thread/start">["sandbox"]>): SandboxPolicy {
  if (sandbox === "danger-full-access") return { type: "dangerFullAccess" };
  if (sandbox === "read-only") return { type: "readOnly", networkAccess: false };
  return {
    type: "workspaceWrite",
    writableRoots: [],
    networkAccess: false,
    excludeTmpdirEnvVar: false,
    excludeSlashTmp: false,
  };
}

/** What `thread/start`, `thread/resume` and `thread/fork` answer alike. */
export function openedThread(thread: Thread, settings: ThreadSettings): ResultOf<"thread/start"> {
  return {
    thread,
    model: settings.model,
    modelProvider,
    serviceTier: settings.serviceTier,
    disabledPluginIds: settings.disabledPluginIds,
    cwd: settings.cwd,
    runtimeWorkspaceRoots: [settings.cwd],
    instructionSources: [],
    approvalPolicy: settings.approvalPolicy,
    approvalsReviewer: settings.approvalsReviewer,
    sandbox: settings.sandboxPolicy,
    activePermissionProfile: settings.activePermissionProfile,
    reasoningEffort: settings.effort,
    multiAgentMode: settings.multiAgentMode,
  };
}

/** A turn that has just been accepted. */
export function newTurn(id: string): Turn {
  return {
    id,
    rootTurnId: id,
    items: [],
    itemsView: "notLoaded",
    status: "inProgress",
    error: null,
    startedAt: null,
    completedAt: null,
    durationMs: null,
  };
}

export function turnError(
  message: string,
  codexErrorInfo: TurnError["codexErrorInfo"] = null,
): TurnError {
  return { message, codexErrorInfo, additionalDetails: null, misalignment: null };
}

/** The only model that the server lists, unless a test gives others. */
export function listedModel(): ResultOf<"model/list">["data"][number] {
  return {
    id: fakeModel,
    model: fakeModel,
    upgrade: null,
    upgradeInfo: null,
    availabilityNux: null,
    displayName: "Fake model",
    description: "Answers as the test says.",
    modelSpecialty: null,
    hidden: false,
    supportedReasoningEfforts: [{ reasoningEffort: "medium", description: "The only one." }],
    defaultReasoningEffort: "medium",
    inputModalities: ["text", "image"],
    supportsPersonality: false,
    multiAgentVersion: null,
    additionalSpeedTiers: [],
    serviceTiers: [],
    defaultServiceTier: null,
    availableAccessPrograms: null,
    isDefault: true,
  };
}
