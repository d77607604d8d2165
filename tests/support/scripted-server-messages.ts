import { RUNTIME_VERSION } from "../../generated/runtime.js";
import type { Handlers, Json, JsonObject, Step } from "./scripted-server.js";

/** What a well-behaved server does: the handshake, threads, and turns that complete at once. */
export function standardHandlers(): Handlers {
  return {
    initialize: [{ respond: initialized(`{{params.clientInfo.name}}/${RUNTIME_VERSION} (Linux)`) }],
    initialized: [],
    "thread/start": [
      { respond: openedThread("thread-{{count}}") },
      { notify: "thread/started", params: { thread: threadRecord("thread-{{count}}") } },
    ],
    "thread/resume": [{ respond: openedThread("{{params.threadId}}") }],
    "turn/start": turnSteps("Hello."),
    "turn/interrupt": [
      { respond: {} },
      completed(turnRecord("{{params.turnId}}", { status: "interrupted" })),
    ],
  };
}

/** The answer to `initialize`. */
export function initialized(userAgent: Json): JsonObject {
  return {
    userAgent,
    codexHome: "/home/user/.codex",
    platformFamily: "unix",
    platformOs: "linux",
  };
}

/** A whole turn that says `text`, as the answer to `turn/start`; its id is `turn-1` and so on. */
export function turnSteps(text: string): Step[] {
  return [acceptTurn(), turnStarted(), ...agentMessage(text), turnCompleted()];
}

/** The answer to `turn/start`. */
export function acceptTurn(): Step {
  return { respond: { turn: turnRecord("turn-{{count}}") } };
}

export function turnStarted(): Step {
  const { threadId } = ofTurn;
  return { notify: "turn/started", params: { threadId, turn: turnRecord("turn-{{count}}") } };
}

/** A message that comes in one delta. */
export function agentMessage(text: Json): Step[] {
  const item = { ...emptyMessage, text: "" };
  const at = 1_767_225_600_000;
  return [
    { notify: "item/started", params: { ...ofTurn, item, startedAtMs: at } },
    textDelta(text),
    {
      notify: "item/completed",
      params: { ...ofTurn, item: { ...item, text }, completedAtMs: at, contentTokenCount: null },
    },
  ];
}

export function textDelta(delta: Json): Step {
  const params = { ...ofTurn, itemId: emptyMessage.id, delta };
  return { notify: "item/agentMessage/delta", params };
}

/** The end of the turn that `turn/start` began. */
export function turnCompleted(): Step {
  return completed(
    turnRecord("turn-{{count}}", { status: "completed", completedAt: 1_767_225_601 }),
  );
}

function completed(turn: JsonObject): Step {
  return { notify: "turn/completed", params: { threadId: "{{params.threadId}}", turn } };
}

/** Where a notification of the turn that `turn/start` began belongs. */
export const ofTurn = { threadId: "{{params.threadId}}", turnId: "turn-{{count}}" };

const emptyMessage = {
  type: "agentMessage",
  id: "message-{{count}}",
  phase: "final_answer",
  memoryCitation: null,
  moderation: null,
  delivery: null,
  questions: null,
  startedAtMs: 1_767_225_600_000,
  completedAtMs: null,
} as const;

export function turnRecord(id: string, changes: JsonObject = {}): JsonObject {
  return {
    id,
    rootTurnId: id,
    items: [],
    itemsView: "notLoaded",
    status: "inProgress",
    error: null,
    startedAt: 1_767_225_600,
    completedAt: null,
    durationMs: null,
    ...changes,
  };
}

function openedThread(id: string): JsonObject {
  return {
    thread: threadRecord(id),
    model: "scripted-model",
    modelProvider: "scripted",
    serviceTier: null,
    disabledPluginIds: [],
    cwd: "/home/user/project",
    runtimeWorkspaceRoots: ["/home/user/project"],
    instructionSources: [],
    approvalPolicy: "never",
    approvalsReviewer: "user",
    sandbox: { type: "dangerFullAccess" },
    activePermissionProfile: null,
    reasoningEffort: null,
    multiAgentMode: "explicitRequestOnly",
  };
}

function threadRecord(id: string): JsonObject {
  return {
    id,
    environments: [],
    extra: null,
    sessionId: id,
    forkedFromId: null,
    attachedToThreadId: null,
    parentThreadId: null,
    preview: "",
    ephemeral: false,
    section: null,
    sectionEnteredAt: null,
    projectId: null,
    historyMode: "paginated",
    modelProvider: "scripted",
    model: "scripted-model",
    reasoningEffort: null,
    createdAt: 1_767_225_600,
    updatedAt: 1_767_225_600,
    recencyAt: 1_767_225_600,
    status: { type: "idle" },
    path: null,
    cwd: "/home/user/project",
    cliVersion: RUNTIME_VERSION,
    originator: "scripted",
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
