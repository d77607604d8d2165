import type { TokenUsageBreakdown } from "../../generated/types.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { agentsIn } from "../messages/agents-in.js";
import { fieldOf, textOf } from "../messages/field-of.js";
import { threadIdOf, turnIdOf } from "../messages/message-ids.js";
import type { TurnUsageRecord, UsageOfModel, UsageSummary } from "../results/turn-tokens.js";
import { BudgetBook, type ScopedBudget } from "./budget-book.js";
import type { Budget } from "./budget.js";
import { ThreadAccounts, updateIn } from "./thread-accounts.js";
import { summaryOf, TurnAccount, type TurnEnding, type TurnIdentity } from "./turn-account.js";
import { TurnAccounts } from "./turn-accounts.js";

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

/**
 * Counts what the turns of a client use: each token once, whatever the server repeats, over the connections and the
 * server processes that the client has in its life. It learns from every notification, and from what requests
 * are answered.
 */
export class UsageLedger {
  readonly budgets: BudgetBook;
  readonly #threads = new ThreadAccounts();
  readonly #turns = new TurnAccounts();
  /** What the thread of a turn had used before it, where that is known. */
  readonly #before = new WeakMap<TurnAccount, TokenUsageBreakdown>();
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
    return summaryOf(this.#turns.ofRoot(rootTurnId));
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
    const turns = this.#turns.ofRoot(turnId);
    if (budget) this.budgets.attach({ threadId, rootTurnId: turnId }, budget, turns);
    for (const turn of turns) if (!turn.isOver) this.#stopIfUsedUp(turn, context);
  }

  /** A turn was found running that began before anything was told of it here; `rootTurnId` is what the server names. */
  found(turn: TurnIdentity, rootTurnId: string | null | undefined, context: LedgerContext): void {
    const { threadId, turnId } = turn;
    const root = rootTurnId ?? turnId;
    // While a review runs, it is listed under another id than the one of its events.
    const isListedReview = root !== turnId && !context.parentOf(threadId);
    if (isListedReview || this.#turns.get(turnId)) return;
    this.#opens(turn, context, rootTurnId ?? undefined).missed();
  }

  observe(message: NotificationMessage, context: LedgerContext): void {
    const threadId = threadIdOf(message);
    if (threadId === undefined) return;
    const { method, params } = message;
    switch (method) {
      case "thread/settings/updated": {
        const model = this.#threads.setSettings(threadId, fieldOf(params, "threadSettings"));
        this.#namedThread(threadId, model, context);
        break;
      }
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
        this.#threads.stale(threadId);
        break;
      case "thread/deleted":
        this.#threads.delete(threadId);
    }
  }

  /** Learns from the answer to a request. */
  answered(
    method: string,
    params: unknown,
    result: unknown,
    { begins }: Answered,
    context: LedgerContext,
  ): void {
    switch (method) {
      case "thread/start":
      case "thread/resume":
      case "thread/fork": {
        const isSourceBusy = this.#turns.isOpenOn(textOf(params, "threadId") ?? "");
        const model = this.#threads.opened(method, params, result, isSourceBusy);
        this.#namedThread(textOf(result, "thread", "id") ?? "", model, context);
        break;
      }
      case "thread/unsubscribe":
        this.#threads.stale(textOf(params, "threadId") ?? "");
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
    for (const turn of this.#turns.open) {
      // Of a turn that ends meanwhile nobody knows later whose it was.
      if (this.#isOurs(turn, context)) this.#ours.add(turn);
      turn.missed();
      this.#overGap.add(turn);
    }
    this.#threads.allStale();
  }

  /** The connection is over: of what runs, nothing more is told. */
  lost(context: LedgerContext): void {
    this.dropped(context);
    const ending = { status: "unknown", startedAt: null, endedAt: null } as const;
    for (const { turnId } of this.#turns.open) this.#end(turnId, ending, context);
  }

  #started(threadId: string, params: unknown, context: LedgerContext): void {
    const turnId = textOf(params, "turn", "id");
    if (turnId === undefined) return;
    const rootTurnId = textOf(params, "turn", "rootTurnId");
    const root = this.#turns.get(rootTurnId ?? "");
    // A review is announced under another id than the one of its events.
    if (root && rootTurnId !== turnId && root.threadId === threadId) return;
    const turn = this.#opens({ threadId, turnId }, context, rootTurnId);
    if (rootTurnId !== undefined) this.#setRoot(turn, rootTurnId, context);
  }

  #item(threadId: string, message: NotificationMessage, context: LedgerContext): void {
    const { method, params } = message;
    const turnId = turnIdOf(message);
    const type = textOf(params, "item", "type");
    if (turnId === undefined || type === undefined) return;
    this.#learnOfAgents(fieldOf(params, "item"), this.#turns.get(turnId), context);
    // Of a turn that is over an item may complete late; one that begins belongs to a turn that runs.
    const isStart = method === "item/started";
    const isNew = this.#turns.get(turnId) === undefined;
    const turn = isStart ? this.#opens({ threadId, turnId }, context) : this.#turns.get(turnId);
    // It ran before this was told of it. A review is never announced under this id.
    if (isNew && type !== "enteredReviewMode") turn?.missed();
    if (isStart) turn?.itemStarted(type);
    else turn?.itemCompleted(type);
  }

  /**
   * The item that starts a sub-agent, or speaks to it, tells whom it works for and with which model, which nothing
   * else may do. Its turn may have begun by then, and be over.
   */
  #learnOfAgents(item: unknown, caller: TurnAccount | undefined, context: LedgerContext): void {
    const model = textOf(item, "model") || undefined;
    for (const threadId of agentsIn(item).agents) {
      const isNews = model !== undefined && this.#threads.suggestModel(threadId, model);
      for (const turn of this.#turns.on(threadId)) {
        const isNamed = isNews && this.#named(turn, model);
        const isCalled = caller !== undefined && this.#called(turn, caller, context);
        if (isNamed || isCalled) this.#changed(turn, context);
      }
    }
  }

  /** The model becomes known that has worked on a thread, if it does. */
  #namedThread(threadId: string, model: string | undefined, context: LedgerContext): void {
    if (model === undefined) return;
    for (const turn of this.#turns.on(threadId)) {
      if (this.#named(turn, model)) this.#changed(turn, context);
    }
  }

  #named(turn: TurnAccount, model: string): boolean {
    if (!turn.named(model)) return false;
    this.budgets.named(turn, model);
    return true;
  }

  /** More is known of a turn, which may have its record already, and may cost more than was left. */
  #changed(turn: TurnAccount, context: LedgerContext): void {
    this.#stopIfTooMuch(turn, context);
    if (turn.isOver) this.#revised(turn, context);
  }

  /** Takes note of whom a turn works for that began before this was told. Returns whether that is new. */
  #called(turn: TurnAccount, caller: TurnAccount, context: LedgerContext): boolean {
    if (turn.parentTurnId !== null) return false;
    if (context.parentOf(turn.threadId)?.turnId !== caller.turnId) return false;
    // Its thread may have worked for others before, or for nobody.
    const isSame = turn.rootTurnId === caller.rootTurnId;
    if (!isSame && (turn.isSubagent || turn.isOver)) return false;
    turn.parentTurnId = caller.turnId;
    this.#setRoot(turn, caller.rootTurnId, context);
    return true;
  }

  /** The turn works for this one. What it has used until now is charged to those budgets that it was not charged to. */
  #setRoot(turn: TurnAccount, rootTurnId: string, context: LedgerContext): void {
    if (turn.rootTurnId === rootTurnId) return;
    const before = this.#budgetsOf(turn, context);
    const own = this.#turns.ofRoot(turn.turnId).filter((other) => other !== turn);
    this.#turns.setRoot(turn, rootTurnId);
    const more = [...this.#budgetsOf(turn, context)].filter((budget) => !before.has(budget));
    this.budgets.chargeAll(more, turn);
    this.#stopIfTooMuch(turn, context);
    // Its own sub-agents work for that, too.
    for (const each of own) {
      this.#setRoot(each, rootTurnId, context);
      this.#changed(each, context);
    }
  }

  #usage(threadId: string, turnId: string, usage: unknown, context: LedgerContext): void {
    const update = updateIn(usage);
    if (!update) return;
    const turn = this.#turns.get(turnId);
    const isOwn = turn?.threadId === threadId;
    const ranAllTheTime = isOwn && this.#overGap.has(turn);
    const known = this.#threads.updated(threadId, usage, update, ranAllTheTime);
    if (!isOwn) return;
    const isOver = turn.isOver;
    // A thread that is loaded anew repeats its newest update, and names the turn that it came from.
    const counted = isOver && !known ? undefined : turn.update(update, known);
    if (!counted) return;
    this.#counted(turn, counted, context);
    if (isOver) this.#revised(turn, context);
  }

  #end(turnId: string, ending: TurnEnding, context: LedgerContext): void {
    const turn = this.#turns.get(turnId);
    if (!turn || turn.isOver) return;
    const counted = turn.end(ending);
    this.#turns.ended(turn);
    if (counted) this.#counted(turn, counted, context);
    if (this.#isOurs(turn, context)) this.#ours.add(turn);
    this.#record(turn, context);
  }

  /** More was told of a turn that is over. */
  #revised(turn: TurnAccount, context: LedgerContext): void {
    turn.revise();
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
    const root = this.#turns.rootOf(turn);
    return this.#ours.has(root) || context.isOurs(root.threadId, root.turnId);
  }

  #counted(turn: TurnAccount, usage: UsageOfModel, context: LedgerContext): void {
    this.budgets.charge(this.#budgetsOf(turn, context), turn, usage);
    this.#stopIfTooMuch(turn, context);
  }

  /** Those that the turn is charged to; none for a turn of others. */
  #budgetsOf(turn: TurnAccount, context: LedgerContext): ReadonlySet<Budget> {
    if (!this.#isOurs(turn, context)) return new Set();
    const { threadId } = this.#turns.rootOf(turn);
    return this.budgets.of({ threadId, rootTurnId: turn.rootTurnId });
  }

  /** Stops all who share a budget with the turn, if one is used up by what that has used. */
  #stopIfTooMuch(turn: TurnAccount, context: LedgerContext): void {
    if (![...this.#budgetsOf(turn, context)].some(({ isUsedUp }) => isUsedUp)) return;
    for (const open of this.#turns.open) this.#stopIfUsedUp(open, context);
  }

  #stopIfUsedUp(turn: TurnAccount, context: LedgerContext): void {
    const { threadId, turnId, rootTurnId, isSubagent } = turn;
    const root = this.#turns.rootOf(turn);
    const exceeded = this.budgets.usedUp({ threadId: root.threadId, rootTurnId });
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
    const turn = new TurnAccount(identity, root, this.#threads.settingsOf(threadId));
    if (root !== turnId) turn.parentTurnId = parentTurnId;
    const total = this.#threads.totalOf(threadId);
    if (total) this.#before.set(turn, total);
    this.#turns.add(turn);
    this.#stopIfUsedUp(turn, context);
    return turn;
  }

  #begun(params: unknown, turnId: unknown): void {
    const changes = this.#threads.begun(params);
    if (Object.keys(changes).length === 0) return;
    const turn = typeof turnId === "string" ? this.#turns.get(turnId) : undefined;
    if (turn && turn.tokens === null) turn.settings = { ...turn.settings, ...changes };
  }
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
