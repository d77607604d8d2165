import type {
  Tokens,
  TurnUsageRecord,
  UsageOfModel,
  UsageSummary,
} from "../results/turn-tokens.js";
import { addTokens, addUp, isNothing, keyOf, noTokens, sameTokens, tokensSince } from "./tokens.js";

/** Which model works on a thread, as far as is known. */
export interface ModelSettings {
  readonly model: string | null;
  readonly modelProvider: string | null;
  readonly serviceTier: string | null;
}

/** An update of the server: the total of the thread, and what its newest response has used. */
export interface UsageUpdate {
  readonly total: Tokens;
  readonly last: Tokens;
}

export interface TurnIdentity {
  readonly threadId: string;
  readonly turnId: string;
}

/** How a turn ended, and when (Unix time in seconds). */
export interface TurnEnding {
  readonly status: TurnUsageRecord["status"];
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** The first update of a turn, as long as it may only repeat what the turn before has used. */
interface Doubtful extends UsageUpdate {
  readonly isOfCompaction: boolean;
}

/** Items that begin when the response is there that asks for them; others begin while it is being written. */
const beginsBehindResponse = new Set([
  "collabAgentToolCall",
  "commandExecution",
  "dynamicToolCall",
  "mcpToolCall",
]);
const endsResponse = new Set([...beginsBehindResponse, "agentMessage"]);

/**
 * What one turn has used, as the server's updates tell it.
 *
 * The server counts per thread, so what a turn has used is what its thread's total has grown by. Where the total
 * before the turn is not known, there is only `last`, what the newest response has used. Not each update tells of
 * one: the server repeats the update before at the start of a compaction, and when a turn fails or is interrupted;
 * and behind a compaction it puts an estimate there.
 */
export class TurnAccount {
  readonly threadId: string;
  readonly turnId: string;
  rootTurnId: string;
  parentTurnId: string | null = null;
  settings: ModelSettings;
  readonly #used = new Map<string, UsageOfModel>();
  #ending: TurnEnding | undefined;
  #revision = 0;
  #isTold = false;
  #hasSpoken = false;
  #isCompacting = false;
  #isLowerBound = false;
  #inputs = 0;
  #doubtful: Doubtful | undefined;

  constructor({ threadId, turnId }: TurnIdentity, rootTurnId: string, settings: ModelSettings) {
    this.threadId = threadId;
    this.turnId = turnId;
    this.rootTurnId = rootTurnId;
    this.settings = settings;
  }

  get isOver(): boolean {
    return this.#ending !== undefined;
  }

  get isSubagent(): boolean {
    return this.rootTurnId !== this.turnId;
  }

  /** Whether the turn is known to have used more than is known of. */
  get isLowerBound(): boolean {
    return this.#isLowerBound;
  }

  /** Whether the model has worked in the turn, and the server has told no counts. */
  get isUnknown(): boolean {
    return !this.#isTold && this.#hasSpoken;
  }

  get used(): readonly UsageOfModel[] {
    return [...this.#used.values()];
  }

  /** The counts, `null` when the server has told none. */
  get tokens(): Tokens | null {
    return this.#isTold ? addUp(this.#used.values()).tokens : null;
  }

  /** The model becomes known that has worked while none was. Returns whether that is new. */
  named(model: string): boolean {
    const nameless = this.used.filter((usage) => usage.model === null);
    if (this.settings.model !== null && nameless.length === 0) return false;
    this.settings = { ...this.settings, model: this.settings.model ?? model };
    for (const usage of nameless) {
      this.#used.delete(keyOf(usage));
      this.#add({ ...usage, model });
    }
    return true;
  }

  /** Some of the turn's events may be missing. */
  missed(): void {
    this.#isLowerBound = true;
  }

  itemStarted(type: string): void {
    if (type === "contextCompaction") this.#isCompacting = true;
    if (beginsBehindResponse.has(type)) this.#hasSpoken = true;
    if (type !== "userMessage") return;
    this.#inputs += 1;
    // Input that comes in mid-turn cuts the response that is being written.
    if (this.#inputs > 1) this.#isLowerBound = true;
  }

  itemCompleted(type: string): void {
    if (type === "contextCompaction") this.#isCompacting = false;
    if (endsResponse.has(type)) this.#hasSpoken = true;
  }

  /**
   * Learns from an update that names the turn. `known` is the thread's total before it, undefined when that is not
   * known. Returns what is to be counted in addition.
   */
  update(update: UsageUpdate, known: Tokens | undefined): UsageOfModel | undefined {
    this.#isTold = true;
    const doubtful = this.#doubtful;
    this.#doubtful = undefined;
    // A total that is less than before belongs to a history that was taken back.
    if (!known || update.total.total < known.total) {
      if (this.#hasSpoken && !this.#isCompacting) return this.#count(update.last);
      this.#doubtful = { ...update, isOfCompaction: this.#isCompacting };
      return undefined;
    }
    const since = tokensSince(known, update.total);
    if (!doubtful) return this.#count(since);
    if (isNothing(since)) {
      // Only an estimate of what is left follows a compaction's own response; else it is told twice.
      const isTwice = sameTokens(update.last, doubtful.last);
      if (doubtful.isOfCompaction !== isTwice) return this.#count(doubtful.last);
      this.#doubtful = doubtful;
      return undefined;
    }
    return this.#count(doubtful.isOfCompaction ? since : addTokens(doubtful.last, since));
  }

  /** The turn is over. Returns what is to be counted in addition. */
  end(ending: TurnEnding): UsageOfModel | undefined {
    if (this.#ending) return undefined;
    this.#ending = ending;
    if (ending.status !== "completed") this.#isLowerBound = true;
    const doubtful = this.#doubtful;
    this.#doubtful = undefined;
    // Nothing has failed that the server would have repeated an update for.
    const isReal = doubtful && !doubtful.isOfCompaction && ending.status === "completed";
    return isReal ? this.#count(doubtful.last) : undefined;
  }

  /** The server has told more, of a turn that has its record. */
  revise(): void {
    this.#revision += 1;
  }

  toRecord(isLate: boolean): TurnUsageRecord {
    const { threadId, turnId, rootTurnId, parentTurnId } = this;
    const { status = "unknown", startedAt = null, endedAt = null } = this.#ending ?? {};
    return {
      threadId,
      turnId,
      revision: this.#revision,
      rootTurnId,
      parentTurnId,
      ...this.settings,
      tokens: this.tokens,
      byModel: this.used,
      startedAt,
      endedAt,
      status,
      isLate,
      isLowerBound: this.#isLowerBound,
    };
  }

  #count(tokens: Tokens): UsageOfModel | undefined {
    if (isNothing(tokens)) return undefined;
    const usage = { ...this.settings, tokens };
    this.#add(usage);
    return usage;
  }

  #add(usage: UsageOfModel): void {
    const key = keyOf(usage);
    const before = this.#used.get(key)?.tokens ?? noTokens;
    this.#used.set(key, { ...usage, tokens: addTokens(before, usage.tokens) });
  }
}

/** Summaries added up; `null` when there is none. */
export function addSummaries(given: readonly (UsageSummary | null)[]): UsageSummary | null {
  const summaries = given.filter((summary) => summary !== null);
  if (summaries.length === 0) return null;
  const isLowerBound = summaries.some((summary) => summary.isLowerBound);
  return { ...addUp(summaries.flatMap(({ byModel }) => byModel)), isLowerBound };
}

/** What some turns have used together; `null` when the server has told of none of them. */
export function summaryOf(turns: readonly TurnAccount[]): UsageSummary | null {
  if (turns.every(({ tokens }) => tokens === null)) return null;
  const isLowerBound = turns.some((turn) => turn.isLowerBound || turn.isUnknown || !turn.isOver);
  return { ...addUp(turns.flatMap(({ used }) => used)), isLowerBound };
}
