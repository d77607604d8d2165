import type { TurnUsageRecord } from "../../lib/results/turn-tokens.js";
import type { Budget } from "../../lib/usage/budget.js";
import { UsageLedger, type LedgerContext } from "../../lib/usage/usage-ledger.js";

type Fields = Readonly<Record<string, unknown>>;

/** Counts whose parts differ, so that none can be taken for another. */
export function counts(tokens: number): Fields {
  return {
    totalTokens: tokens,
    inputTokens: tokens * 2,
    cachedInputTokens: tokens * 3,
    cacheWriteInputTokens: tokens * 5,
    outputTokens: tokens * 7,
    reasoningOutputTokens: tokens * 11,
  };
}

/** A ledger that is told things by hand, and everything that it records. */
export class ToldUsage {
  readonly ledger: UsageLedger;
  readonly records: TurnUsageRecord[] = [];
  /** The turns that were to be stopped, with the id of each. */
  readonly stopped: string[] = [];
  readonly parents = new Map<string, { threadId: string; turnId: string | undefined }>();
  /** The turns of others, by their ids. */
  readonly strangers = new Set<string>();
  readonly context: LedgerContext = {
    isOurs: (_, turnId) => !this.strangers.has(turnId),
    parentOf: (threadId) => this.parents.get(threadId),
    stop: ({ turnId }) => {
      this.stopped.push(turnId);
    },
  };

  constructor(budget?: Budget) {
    this.ledger = new UsageLedger(budget);
    this.ledger.follow((record) => {
      this.records.push(record);
    });
  }

  /** The newest record of each turn: its tokens, by its id; `null` where none were told. */
  get totals(): Readonly<Record<string, number | null>> {
    const rows = this.records.map(({ turnId, tokens }) => [turnId, tokens?.total ?? null]);
    return Object.fromEntries(rows) as Record<string, number | null>;
  }

  opened(threadId: string, method = "thread/start", params: Fields = {}, model = "gpt-x"): void {
    const settings = { model, modelProvider: "openai", serviceTier: null };
    const result = { thread: { id: threadId }, ...settings };
    this.ledger.answered(method, params, result, begins, this.context);
  }

  started(threadId: string, turnId: string, rootTurnId: string | null = turnId): void {
    this.tell("turn/started", { threadId, turn: { id: turnId, rootTurnId, startedAt: 5 } });
  }

  used(threadId: string, turnId: string, total: number, last: number): void {
    const tokenUsage = { total: counts(total), last: counts(last), modelContextWindow: 100 };
    this.tell("thread/tokenUsage/updated", { threadId, turnId, tokenUsage });
  }

  item(threadId: string, turnId: string, type: string, phase: "started" | "completed"): void {
    this.tell(`item/${phase}`, { threadId, turnId, item: { id: `${type}-1`, type } });
  }

  /** A turn starts a sub-agent; nobody knows of it before. */
  named(threadId: string, turnId: string, agent: string, model = "gpt-y"): void {
    this.parents.set(agent, { threadId, turnId });
    const type = "collabAgentToolCall";
    const item = { id: "i", type, tool: "spawnAgent", receiverThreadIds: [agent], model };
    this.tell("item/completed", { threadId, turnId, item });
  }

  completed(threadId: string, turnId: string, status = "completed"): void {
    this.tell("turn/completed", {
      threadId,
      turn: { id: turnId, status, startedAt: 5, completedAt: 9 },
    });
  }

  tell(method: string, params: Fields): void {
    this.ledger.observe({ method, params }, this.context);
  }
}

const begins = { begins: false };
