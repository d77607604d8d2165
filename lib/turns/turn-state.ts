import type {
  ThreadItem,
  ThreadTokenUsage,
  TurnError,
  TurnPlanStep,
  TurnStatus,
} from "../../generated/types.js";
import { applyDelta } from "./item-delta.js";
import type { TurnEvent } from "../protocol.js";
import { addCompleted, addFinal, addStarted, type TurnItems } from "./turn-items.js";
import { nextRetry, type TurnRetry } from "./turn-retry.js";
import { addWarning, type TurnWarning } from "./turn-warnings.js";
import { updateUsage, type TurnUsage } from "./turn-usage.js";

/** What is known of a turn at one moment. Snapshots never change; each event makes a new one. */
export interface TurnState extends TurnItems {
  readonly threadId: string;
  /** Empty until the server has accepted the turn. */
  readonly id: string;
  readonly status: TurnStatus;
  /** Why the turn failed; while it runs, the last problem that the server reported. */
  readonly error: TurnError | null;
  /**
   * The server's attempts to reach the model, while it fails to; `null` as soon as the model is heard
   * again. A model that cannot be reached at all is tried without end, unless `timeoutMs` is set.
   */
  readonly retry: TurnRetry | null;
  /**
   * What the server has warned of, each once: that the thread could not be saved, say. At most the newest
   * 100, and of each the first 4,000 characters.
   */
  readonly warnings: readonly TurnWarning[];
  readonly usage: TurnUsage | null;
  /** The latest plan; `null` when the turn has none. */
  readonly plan: readonly TurnPlanStep[] | null;
  /** The latest unified diff of all the turn's file changes, or `null`. */
  readonly diff: string | null;
  /** Unix time in seconds, or `null` when the server did not say. */
  readonly startedAt: number | null;
  /** Unix time in seconds, or `null` until the end. */
  readonly completedAt: number | null;
  /** Milliseconds from start to end, or `null` until the end. */
  readonly durationMs: number | null;
}

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
 * sense of, leaves the state as it is.
 */
export function reduceTurn(state: TurnState, event: TurnEvent): TurnState {
  const retry = nextRetry(state.retry, event);
  return applyEvent(retry === state.retry ? state : { ...state, retry }, event);
}

function applyEvent(state: TurnState, event: TurnEvent): TurnState {
  switch (event.method) {
    case "turn/started":
      return { ...state, startedAt: event.params.turn.startedAt ?? state.startedAt };
    case "item/started":
      return isItem(event.params.item) ? addStarted(state, event.params.item) : state;
    case "item/completed":
      return isItem(event.params.item) ? addCompleted(state, event.params.item) : state;
    case "thread/tokenUsage/updated":
      return usageUpdated(state, event.params.tokenUsage);
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
      return turnCompleted(state, event.params.turn);
    default: {
      const openItems = applyDelta(state.openItems, event);
      return openItems === state.openItems ? state : { ...state, openItems };
    }
  }
}

function usageUpdated(state: TurnState, update: ThreadTokenUsage): TurnState {
  const compacting = state.openItems.some((item) => item.type === "contextCompaction");
  return { ...state, usage: updateUsage(state.usage, update, compacting) };
}

type TerminalTurn = Extract<TurnEvent, { method: "turn/completed" }>["params"]["turn"];

function turnCompleted(state: TurnState, turn: Partial<TerminalTurn>): TurnState {
  const status = turn.status ?? (turn.error ? "failed" : "completed");
  let merged = state;
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
  if (typeof value !== "object" || value === null) return false;
  const { id, type } = value as { id?: unknown; type?: unknown };
  return typeof id === "string" && typeof type === "string";
}
