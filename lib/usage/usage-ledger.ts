import type { TokenUsageBreakdown } from "../../generated/types.js";
import { BoundedMap } from "../async/bounded-map.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { fieldOf, textOf } from "../messages/field-of.js";
import { threadIdOf, turnIdOf } from "../messages/message-ids.js";
import type {
  Tokens,
  TurnUsageRecord,
  UsageOfModel,
  UsageSummary,
} from "../results/turn-tokens.js";
import { BudgetBook, type ScopedBudget } from "./budget-book.js";
import type { Budget } from "./budget.js";
import { addTokens, noTokens, readTokens, sameTokens } from "./tokens.js";
import {
  summaryOf,
  TurnAccount,
  type ModelSettings,
  type TurnEnding,
  type TurnIdentity,
  type UsageUpdate,
} from "./turn-account.js";

/** What the connection of the moment knows besides. */
export interface LedgerContext {
  /** Whether somebody here has asked for the turn, or follows it. */
  isOurs(threadId: string, turnId: string): boolean;
  /** The turn that a sub-agent's thread works for; `null` for nobody's, undefined when that is not known. */
  parentOf(threadId: string): { threadId: string; turnId: string | undefined } | null | undefined;
  /** Interrupts a turn whose budget is used up. Never throws. */
  stop(turn: TurnIdentity & { readonly isSubagent: boolean }, exceeded: ScopedBudget): void;
}

/** What a request says of a turn that it has begun. */
interface Answered {
  /** Whether a `turn/start` began a turn, and did not join one. */
  readonly begins: boolean;
}

interface ThreadAccount {
  settings: ModelSettings;
  /** What the thread had used at the last update. */
  total: TokenUsageBreakdown | undefined;
  /** Whether others may have used it since, so that only a turn which ran all the time can count from it. */
  isStale: boolean;
}

/** As many threads are remembered, the latest: less than 1 MB. */
const maxThreads = 2_048;
/** As many turns are remembered, the latest, over or not: about 2 MB. */
const maxTurns = 2_048;

const unknownModel: ModelSettings = { model: null, modelProvider: null, serviceTier: null };
const unused: TokenUsageBreakdown = {
  totalTokens: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0,
};

/**
 * Counts what the turns of a client use: each token once, whatever the server repeats, over the connections and the
 * server processes that the client has in its life. It learns from every notification, and from what requests
 * are answered.
 */
export class UsageLedger {
  readonly budgets: BudgetBook;
  readonly #threads = new BoundedMap<string, ThreadAccount>(maxThreads);
  readonly #turns = new BoundedMap<string, TurnAccount>(maxTurns, (_turnId, turn) => {
    this.#open.delete(turn);
    this.#unlink(turn);
  });
  /** Those that work for a turn, and itself, by its id: of those that are remembered. */
  readonly #byRoot = new Map<string, Set<TurnAccount>>();
  /** What the thread of a turn had used before it, where that is known. */
  readonly #before = new WeakMap<TurnAccount, TokenUsageBreakdown>();
  /** The turns whose end has not been told; a server may begin them without end, and tell the end of none. */
  readonly #open = new Set<TurnAccount>();
  /** Those that ran while the connection was away: nobody else has used their threads. */
  readonly #overGap = new WeakSet<TurnAccount>();
  /** Sub-agents' turns that are being stopped. */
  readonly #stopping = new WeakSet<TurnAccount>();
  /** Turns that are known to be ours, or to work for ours: when they end, that is forgotten elsewhere. */
  readonly #ours = new WeakSet<TurnAccount>();
  readonly #readers = new Set<(record: TurnUsageRecord) => void>();

  constructor(budget?: Budget) {
    this.budgets = new BudgetBook(budget);
  }

  /** Calls `reader`, which must not throw, with each record from now on; returns what ends it. */
  follow(reader: (record: TurnUsageRecord) => void): () => void {
    this.#readers.add(reader);
    return () => {
      this.#readers.delete(reader);
    };
  }

  /** Whether the turn has begun, and its end has not been told. */
  isOpen(turnId: string): boolean {
    return this.#turns.get(turnId)?.isOver === false;
  }

  /** What the turn and its sub-agents have used so far; `null` when the server has told of none of it. */
  summaryOf(rootTurnId: string): UsageSummary | null {
    return summaryOf([...(this.#byRoot.get(rootTurnId) ?? [])]);
  }

  /** What the thread of a turn had used before it; undefined when that is not known. */
  totalBefore(turnId: string): TokenUsageBreakdown | undefined {
    const turn = this.#turns.get(turnId);
    return turn && this.#before.get(turn);
  }

  /**
   * A handle has begun this turn: what it and its sub-agents use is charged to `budget`, with what they have used
   * already. It is stopped if a budget is used up by now.
   */
  attach(
    { threadId, turnId }: TurnIdentity,
    budget: Budget | undefined,
    context: LedgerContext,
  ): void {
    const turns = [...(this.#byRoot.get(turnId) ?? [])];
    if (budget) {
      const used = turns.flatMap((turn) => turn.used);
      this.budgets.attach({ threadId, rootTurnId: turnId }, budget, used);
    }
    for (const turn of turns) if (!turn.isOver) this.#stopIfUsedUp(turn, context);
  }

  observe(message: NotificationMessage, context: LedgerContext): void {
    const threadId = threadIdOf(message);
    if (threadId === undefined) return;
    const { method, params } = message;
    switch (method) {
      case "thread/settings/updated":
        this.#thread(threadId).settings = settingsIn(fieldOf(params, "threadSettings"));
        break;
      case "turn/started":
        this.#started(threadId, params, context);
        break;
      case "item/started":
      case "item/completed":
        this.#item(threadId, message, context);
        break;
      case "model/rerouted": {
        const turn = this.#turns.get(turnIdOf(message) ?? "");
        const model = textOf(params, "toModel");
        if (turn && model !== undefined) turn.settings = { ...turn.settings, model };
        break;
      }
      case "error":
        // What a response has used that breaks off and is asked for again is never told.
        if (fieldOf(params, "willRetry") === true)
          this.#turns.get(turnIdOf(message) ?? "")?.missed();
        break;
      case "thread/tokenUsage/updated":
        this.#usage(threadId, turnIdOf(message) ?? "", fieldOf(params, "tokenUsage"), context);
        break;
      case "turn/completed": {
        const turn = fieldOf(params, "turn");
        const turnId = textOf(turn, "id");
        if (turnId !== undefined) this.#end(turnId, endingIn(turn), context);
        break;
      }
      case "thread/reverted":
      case "thread/closed":
      case "thread/archived":
        this.#stale(threadId);
        break;
      case "thread/deleted":
        this.#threads.delete(threadId);
    }
  }

  /** Learns from the answer to a request. */
  answered(method: string, params: unknown, result: unknown, { begins }: Answered): void {
    switch (method) {
      case "thread/start":
      case "thread/resume":
      case "thread/fork":
        this.#opened(method, params, result);
        break;
      case "thread/unsubscribe":
        this.#stale(textOf(params, "threadId") ?? "");
        break;
      case "turn/start":
        if (begins) this.#begun(params, fieldOf(result, "turn", "id"));
    }
  }

  /** A turn is over, as somebody has found out who follows it. What its end told stands. */
  ended({ turnId }: TurnIdentity, ending: TurnEnding, context: LedgerContext): void {
    const turn = this.#turns.get(turnId);
    if (turn?.isOver === false) this.#ours.add(turn);
    this.#end(turnId, ending, context);
  }

  /** The connection is away: from now on updates may be missed. */
  dropped(context: LedgerContext): void {
    for (const turn of this.#open) {
      // Of a turn that ends meanwhile nobody knows later whose it was.
      if (this.#isOurs(turn, context)) this.#ours.add(turn);
      turn.missed();
      this.#overGap.add(turn);
    }
    for (const thread of this.#threads.values()) thread.isStale = true;
  }

  /** The connection is over: of what runs, nothing more is told. */
  lost(context: LedgerContext): void {
    this.dropped(context);
    const ending = { status: "unknown", startedAt: null, endedAt: null } as const;
    for (const { turnId } of [...this.#open]) this.#end(turnId, ending, context);
  }

  #started(threadId: string, params: unknown, context: LedgerContext): void {
    const turnId = textOf(params, "turn", "id");
    if (turnId === undefined) return;
    const rootTurnId = textOf(params, "turn", "rootTurnId");
    const root = this.#turns.get(rootTurnId ?? "");
    // A review is announced under another id than the one of its events.
    if (root && rootTurnId !== turnId && root.threadId === threadId) return;
    const turn = this.#opens({ threadId, turnId }, context, rootTurnId);
    if (rootTurnId === undefined || rootTurnId === turn.rootTurnId) return;
    this.#unlink(turn);
    turn.rootTurnId = rootTurnId;
    this.#link(turn);
  }

  #item(threadId: string, message: NotificationMessage, context: LedgerContext): void {
    const { method, params } = message;
    const turnId = turnIdOf(message);
    const type = textOf(params, "item", "type");
    if (turnId === undefined || type === undefined) return;
    this.#learnOfAgents(fieldOf(params, "item"), context);
    // Of a turn that is over an item may complete late; one that begins belongs to a turn that runs.
    const isStart = method === "item/started";
    const isNew = !this.#turns.has(turnId);
    const turn = isStart ? this.#opens({ threadId, turnId }, context) : this.#turns.get(turnId);
    // It ran before this was told of it. A review is never announced under this id.
    if (isNew && type !== "enteredReviewMode") turn?.missed();
    if (isStart) turn?.itemStarted(type);
    else turn?.itemCompleted(type);
  }

  /** The item that starts a sub-agent names its model, which nothing else does; its turn may be over by then. */
  #learnOfAgents(item: unknown, context: LedgerContext): void {
    const model = textOf(item, "model");
    const agents = fieldOf(item, "receiverThreadIds");
    if (model === undefined || model === "" || !Array.isArray(agents)) return;
    for (const threadId of agents) {
      if (typeof threadId !== "string") continue;
      const thread = this.#thread(threadId);
      if (thread.settings.model !== null) continue;
      thread.settings = { ...thread.settings, model };
      for (const turn of this.#turns.values()) {
        if (turn.threadId !== threadId || !turn.named(model) || !turn.isOver) continue;
        turn.revise();
        this.#record(turn, context);
      }
    }
  }

  #usage(threadId: string, turnId: string, usage: unknown, context: LedgerContext): void {
    const update = updateIn(usage);
    if (!update) return;
    const thread = this.#thread(threadId);
    const turn = this.#turns.get(turnId);
    const isOwn = turn?.threadId === threadId;
    const before = readTokens(thread.total);
    const isKnown =
      !thread.isStale || (isOwn && this.#overGap.has(turn)) || (before && goesOn(before, update));
    const known = isKnown ? before : undefined;
    thread.total = fieldOf(usage, "total") as TokenUsageBreakdown;
    thread.isStale = false;
    if (!isOwn) return;
    const isOver = turn.isOver;
    // A thread that is loaded anew repeats its newest update, and names the turn that it came from.
    const counted = isOver && !known ? undefined : turn.update(update, known);
    if (!counted) return;
    this.#counted(turn, counted, context);
    if (!isOver) return;
    turn.revise();
    this.#record(turn, context);
  }

  #end(turnId: string, ending: TurnEnding, context: LedgerContext): void {
    const turn = this.#turns.get(turnId);
    if (!turn || turn.isOver) return;
    const counted = turn.end(ending);
    this.#open.delete(turn);
    if (counted) this.#counted(turn, counted, context);
    if (this.#isOurs(turn, context)) this.#ours.add(turn);
    this.#record(turn, context);
  }

  #record(turn: TurnAccount, context: LedgerContext): void {
    if (this.#readers.size === 0 || !this.#isOurs(turn, context)) return;
    const root = this.#turns.get(turn.rootTurnId);
    const record = turn.toRecord(turn.isSubagent && root?.isOver === true);
    for (const reader of [...this.#readers]) reader(record);
  }

  /** A sub-agent is whose its root turn is. */
  #isOurs(turn: TurnAccount, context: LedgerContext): boolean {
    const root = this.#turns.get(turn.rootTurnId) ?? turn;
    return this.#ours.has(root) || context.isOurs(root.threadId, root.turnId);
  }

  #counted(turn: TurnAccount, usage: UsageOfModel, context: LedgerContext): void {
    if (!this.#isOurs(turn, context)) return;
    const { rootTurnId } = turn;
    const threadId = this.#turns.get(rootTurnId)?.threadId ?? turn.threadId;
    const isUsedUp = this.budgets.charge({ threadId, rootTurnId }, usage);
    if (!isUsedUp) return;
    for (const open of [...this.#open]) this.#stopIfUsedUp(open, context);
  }

  #stopIfUsedUp(turn: TurnAccount, context: LedgerContext): void {
    const { threadId, turnId, rootTurnId, isSubagent } = turn;
    const rootThreadId = this.#turns.get(rootTurnId)?.threadId ?? threadId;
    const exceeded = this.budgets.usedUp({ threadId: rootThreadId, rootTurnId });
    if (!exceeded || this.#stopping.has(turn) || !this.#isOurs(turn, context)) return;
    // Whoever follows another one may come later than this, and is to be told.
    if (isSubagent) this.#stopping.add(turn);
    context.stop({ threadId, turnId, isSubagent }, exceeded);
  }

  /** The account of the turn, which is opened if it is new. */
  #opens(identity: TurnIdentity, context: LedgerContext, rootTurnId?: string): TurnAccount {
    const { threadId, turnId } = identity;
    const known = this.#turns.get(turnId);
    if (known) return known;
    const parent = context.parentOf(threadId);
    const parentTurnId = parent?.turnId ?? null;
    const parentTurn = parentTurnId === null ? undefined : this.#turns.get(parentTurnId);
    const root = rootTurnId ?? parentTurn?.rootTurnId ?? parentTurnId ?? turnId;
    const thread = this.#thread(threadId);
    const turn = new TurnAccount(identity, root, thread.settings);
    if (root !== turnId) turn.parentTurnId = parentTurnId;
    if (thread.total && !thread.isStale) this.#before.set(turn, thread.total);
    this.#turns.set(turnId, turn);
    this.#open.add(turn);
    this.#link(turn);
    this.#stopIfUsedUp(turn, context);
    return turn;
  }

  #link(turn: TurnAccount): void {
    const turns = this.#byRoot.get(turn.rootTurnId);
    if (turns) turns.add(turn);
    else this.#byRoot.set(turn.rootTurnId, new Set([turn]));
  }

  #unlink(turn: TurnAccount): void {
    const turns = this.#byRoot.get(turn.rootTurnId);
    turns?.delete(turn);
    if (turns?.size === 0) this.#byRoot.delete(turn.rootTurnId);
  }

  #opened(method: string, params: unknown, result: unknown): void {
    const threadId = textOf(result, "thread", "id");
    if (threadId === undefined) return;
    const thread = this.#thread(threadId);
    thread.settings = settingsIn(result);
    if (method === "thread/start") Object.assign(thread, { total: unused, isStale: false });
    if (method !== "thread/fork") return;
    // A copy goes on counting from where it was taken: behind a turn that runs, or before later ones, nobody knows.
    const source = this.#threads.get(textOf(params, "threadId") ?? "");
    const isWhole = fieldOf(params, "lastTurnId") === undefined;
    const isQuiet = ![...this.#open].some((turn) => turn.threadId === textOf(params, "threadId"));
    if (source?.total && !source.isStale && isWhole && isQuiet) {
      Object.assign(thread, { total: source.total, isStale: false });
    }
  }

  /** Connections without experimental methods are told of changed settings in no other way. */
  #begun(params: unknown, turnId: unknown): void {
    const threadId = textOf(params, "threadId");
    const model = textOf(params, "model");
    const tier = fieldOf(params, "serviceTier");
    if (threadId === undefined) return;
    const thread = this.#thread(threadId);
    const changes = {
      ...(model === undefined ? {} : { model }),
      ...(typeof tier === "string" || tier === null ? { serviceTier: tier } : {}),
    };
    if (Object.keys(changes).length === 0) return;
    thread.settings = { ...thread.settings, ...changes };
    const turn = typeof turnId === "string" ? this.#turns.get(turnId) : undefined;
    if (turn && turn.tokens === null) turn.settings = { ...turn.settings, ...changes };
  }

  #stale(threadId: string): void {
    const thread = this.#threads.get(threadId);
    if (thread) thread.isStale = true;
  }

  #thread(threadId: string): ThreadAccount {
    const known = this.#threads.get(threadId);
    const thread = known ?? { settings: unknownModel, total: undefined, isStale: false };
    this.#threads.set(threadId, thread);
    return thread;
  }
}

function settingsIn(value: unknown): ModelSettings {
  const {
    model = null,
    modelProvider = null,
    serviceTier = null,
  } = {
    model: textOf(value, "model"),
    modelProvider: textOf(value, "modelProvider"),
    serviceTier: textOf(value, "serviceTier"),
  };
  return { model, modelProvider, serviceTier };
}

function updateIn(usage: unknown): UsageUpdate | undefined {
  const total = readTokens(fieldOf(usage, "total"));
  const last = readTokens(fieldOf(usage, "last")) ?? noTokens;
  return total && { total, last };
}

/** Whether an update follows the one before, or repeats it: nobody has used the thread in between. */
function goesOn(before: Tokens, { total, last }: UsageUpdate): boolean {
  return sameTokens(total, before) || sameTokens(total, addTokens(before, last));
}

function endingIn(turn: unknown): TurnEnding {
  const status = textOf(turn, "status") ?? (fieldOf(turn, "error") ? "failed" : "completed");
  return {
    status: status as TurnEnding["status"],
    startedAt: numberOrNull(fieldOf(turn, "startedAt")),
    endedAt: numberOrNull(fieldOf(turn, "completedAt")),
  };
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
