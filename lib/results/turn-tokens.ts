import type { TurnStatus } from "../../generated/types.js";

/** Counts of tokens. */
export interface Tokens {
  /** What the model has read, all of it: cached or not. */
  readonly input: number;
  /** The part of `input` that came from the provider's cache. */
  readonly cachedInput: number;
  /** The part of `input` that was written to the provider's cache; 0 where that is not told. */
  readonly cacheWriteInput: number;
  /** What the model has written, its reasoning included. */
  readonly output: number;
  /** The part of `output` that was reasoning. */
  readonly reasoningOutput: number;
  /** Input and output together, as the server counts them. */
  readonly total: number;
}

/** The tokens that one model has used; what a price is found by. */
export interface UsageOfModel {
  /**
   * The model's name, as the server tells it; `null` when it does not. When the provider hands a turn to
   * another model, the server says so once: from then on the rest of the turn counts as that model's.
   */
  readonly model: string | null;
  /** The id of the model's provider in the server's configuration; `null` when it is not known. */
  readonly modelProvider: string | null;
  /** Such as `"priority"` or `"flex"`; `null` for the usual one, or when it is not known. */
  readonly serviceTier: string | null;
  readonly tokens: Tokens;
}

/** What a turn has used, with its sub-agents; each token counts once. */
export interface UsageSummary {
  readonly tokens: Tokens;
  /** The same, by model, provider and service tier. */
  readonly byModel: readonly UsageOfModel[];
  /** Whether more may have been used than is known; see `TurnUsageRecord`. */
  readonly isLowerBound: boolean;
}

/** What one turn has used, without its sub-agents, which have records of their own. */
export interface TurnUsageRecord {
  readonly threadId: string;
  /** Identifies the record: store it under this id, and let a record replace an older one of the same id. */
  readonly turnId: string;
  /** 0; one more each time when the server has told more of a turn that had its record already. */
  readonly revision: number;
  /** The turn that somebody asked for: of a sub-agent the one that it works for; else the turn itself. */
  readonly rootTurnId: string;
  /** The turn that has started the sub-agent, or has spoken to it; `null` for others, or when it is not known. */
  readonly parentTurnId: string | null;
  /** The model that the turn has used last; `null` when it is not known. */
  readonly model: string | null;
  readonly modelProvider: string | null;
  readonly serviceTier: string | null;
  /** `null` when the server has told no counts: of reviews and shell commands it never does. */
  readonly tokens: Tokens | null;
  /** The same by model: of more than one where the provider has handed the turn to another. */
  readonly byModel: readonly UsageOfModel[];
  /** Unix time in seconds, or `null` when the server did not say. */
  readonly startedAt: number | null;
  /** Unix time in seconds, or `null` when the server did not say. */
  readonly endedAt: number | null;
  /** `"unknown"` when the connection, or the server, was gone before the end was told. */
  readonly status: TurnStatus | "unknown";
  /** Whether it is a sub-agent's, which has outlived the turn that it works for. */
  readonly isLate: boolean;
  /**
   * Whether more may have been used: the turn was cut short, a response broke off or was cut by a steer, whose
   * tokens the server never tells, the connection was away for a while, or the turn ran already when this client came to it.
   */
  readonly isLowerBound: boolean;
}
