import type {
  ThreadItem,
  ThreadTokenUsage,
  TokenUsageBreakdown,
  TurnError,
} from "../../generated/types.js";
import { sentenceParts } from "../errors/server-sentences.js";
import { fieldOf, textOf } from "../messages/field-of.js";
import type { ServerNotification, ThreadWarningMethod, TurnEvent } from "../protocol.js";
import { readReason } from "../results/turn-failure-reason.js";
import type { TurnRetry, TurnState, TurnWarning } from "../results/turn-state.js";
import { addCompleted, addFinal, addStarted, applyDelta } from "./turn-items.js";
import { updateUsage, withoutRepeated } from "./turn-usage.js";

const maxWarnings = 100;
const maxCharacters = 4_000;

export function initialTurnState(threadId: string): TurnState {
  return {
    threadId,
    id: "",
    status: "inProgress",
    error: null,
    retry: null,
    warnings: [],
    items: [],
    openItems: [],
    openPositions: [],
    usage: null,
    plan: null,
    diff: null,
    startedAt: null,
    completedAt: null,
    durationMs: null,
  };
}

/**
 * Folds one notification of the turn into its state. Pure; what it does not know, or cannot make
 * sense of, leaves the state as it is. `totalBefore`: what the thread had used before the turn, where
 * that is known.
 */
export function reduceTurn(
  state: TurnState,
  event: TurnEvent,
  totalBefore?: TokenUsageBreakdown,
): TurnState {
  const retry = nextRetry(state.retry, event);
  return applyEvent(retry === state.retry ? state : { ...state, retry }, event, totalBefore);
}

function applyEvent(
  state: TurnState,
  event: TurnEvent,
  totalBefore: TokenUsageBreakdown | undefined,
): TurnState {
  switch (event.method) {
    case "turn/started":
      return { ...state, startedAt: event.params.turn.startedAt ?? state.startedAt };
    case "item/started":
      return isItem(event.params.item) ? addStarted(state, event.params.item) : state;
    case "item/completed":
      return isItem(event.params.item) ? addCompleted(state, event.params.item) : state;
    case "thread/tokenUsage/updated":
      return usageUpdated(state, event.params.tokenUsage, totalBefore);
    case "turn/plan/updated":
      return { ...state, plan: event.params.plan };
    case "turn/diff/updated":
      return { ...state, diff: event.params.diff };
    case "error":
      return { ...state, error: event.params.error };
    case "warning":
    case "guardianWarning": {
      const warnings = addWarning(state.warnings, event);
      return warnings === state.warnings ? state : { ...state, warnings };
    }
    case "turn/completed":
      return turnCompleted(state, event.params.turn, totalBefore !== undefined);
    default: {
      const openItems = applyDelta(state.openItems, event);
      return openItems === state.openItems ? state : { ...state, openItems };
    }
  }
}

function usageUpdated(
  state: TurnState,
  update: ThreadTokenUsage,
  totalBefore: TokenUsageBreakdown | undefined,
): TurnState {
  const isCompacting = state.openItems.some((item) => item.type === "contextCompaction");
  return { ...state, usage: updateUsage(state.usage, update, { isCompacting, totalBefore }) };
}

/** What shows that a response of the model is complete. */
function hasResponse({ items, openItems }: TurnState): boolean {
  return items.some(({ type }) => type === "agentMessage") || [...items, ...openItems].some(isCall);
}

/** Whether the model has asked for an item of this type in a response, which is complete then. */
export function isCall({ type }: { readonly type?: unknown }): boolean {
  switch (type) {
    case "collabAgentToolCall":
    case "commandExecution":
    case "dynamicToolCall":
    case "fileChange":
    case "mcpToolCall":
      return true;
    default:
      return false;
  }
}

/** The warnings with one more: the same one counts once, and the oldest give way to the newest. */
function addWarning(
  warnings: readonly TurnWarning[],
  { method, params }: ServerNotification<ThreadWarningMethod>,
): readonly TurnWarning[] {
  // What a server sends need not be what the type says.
  const { message: text }: { message: unknown } = params;
  if (typeof text !== "string") return warnings;
  const message = text.slice(0, maxCharacters);
  const isKnown = warnings.some((one) => one.method === method && one.message === message);
  return isKnown ? warnings : [...warnings.slice(1 - maxWarnings), { method, message }];
}

type TerminalTurn = Extract<TurnEvent, { method: "turn/completed" }>["params"]["turn"];

function turnCompleted(
  state: TurnState,
  turn: Partial<TerminalTurn>,
  isUsageKnown: boolean,
): TurnState {
  const status = turn.status ?? (turn.error ? "failed" : "completed");
  const isDoubtful = status !== "completed" && !isUsageKnown && !hasResponse(state);
  let merged = isDoubtful
    ? { ...state, usage: state.usage && withoutRepeated(state.usage) }
    : state;
  // The copy in here is a summary, not the list; but what it holds is final.
  const final: unknown[] = Array.isArray(turn.items) ? turn.items : [];
  for (const item of final.filter(isItem)) merged = addFinal(merged, item);
  return {
    ...merged,
    status,
    error: turn.error ?? (status === "failed" ? state.error : null),
    startedAt: turn.startedAt ?? state.startedAt,
    completedAt: turn.completedAt ?? null,
    durationMs: turn.durationMs ?? null,
  };
}

/** What a server sends as an item need not be one. */
export function isItem(value: unknown): value is ThreadItem {
  return textOf(value, "id") !== undefined && textOf(value, "type") !== undefined;
}

/** The `error` notification of a server that tries again; the turn goes on. */
export type RetryNotice = ServerNotification<"error"> & {
  readonly params: { readonly willRetry: true };
};

/**
 * Whether an event says that the model could not be reached, or broke off, and that the server tries
 * again (`error` with `willRetry`). A model that cannot be reached at all is tried without end: what
 * ends such a turn is its `timeoutMs`. `turn.state.retry` has the same in a more readable form.
 */
export function isRetryNotice(event: {
  readonly method: string;
  readonly params?: unknown;
}): event is RetryNotice {
  return event.method === "error" && fieldOf(event.params, "willRetry") === true;
}

/** What is known of the server's attempts after this event. */
function nextRetry(before: TurnRetry | null, event: TurnEvent): TurnRetry | null {
  if (isRetryNotice(event)) return countNotice(before, event);
  return before && showsNoLife.has(event.method) ? before : null;
}

/** What may come while the model cannot be reached: it is not the model's. */
const showsNoLife = new Set<string>([
  "item/commandExecution/outputDelta",
  "serverRequest/resolved",
  "connection/gap",
  "warning",
  "guardianWarning",
]);

function countNotice(before: TurnRetry | null, { params, emittedAtMs }: RetryNotice): TurnRetry {
  // What a server sends need not be what the type says.
  const { error }: { error: unknown } = params;
  const { message, codexErrorInfo } = (error ?? {}) as Partial<TurnError>;
  const text = typeof message === "string" ? message : "";
  const [attempt = null, maxAttempts = null] = sentenceParts(text, "attemptOf") ?? [];
  return {
    message: text,
    reason: readReason(codexErrorInfo ?? null),
    attempt: attempt === null ? null : Number(attempt),
    maxAttempts: maxAttempts === null ? null : Number(maxAttempts),
    count: (before?.count ?? 0) + 1,
    sinceMs: before ? before.sinceMs : (emittedAtMs ?? null),
  };
}
