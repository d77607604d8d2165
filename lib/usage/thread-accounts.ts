import type { TokenUsageBreakdown } from "../../generated/types.js";
import { BoundedMap } from "../async/bounded-map.js";
import { fieldOf, textOf } from "../messages/field-of.js";
import type { Tokens } from "../results/turn-tokens.js";
import { addTokens, noTokens, readTokens, sameTokens } from "./tokens.js";
import type { ModelSettings, UsageUpdate } from "./turn-account.js";

interface ThreadAccount {
  settings: ModelSettings;
  /** What the thread had used at the last update. */
  total: TokenUsageBreakdown | undefined;
  /** Whether others may have used it since, so that only a turn which ran all the time can count from it. */
  isStale: boolean;
}

/** As many threads are remembered, the latest: less than 1 MB. */
const maxThreads = 2_048;

const unknownModel: ModelSettings = { model: null, modelProvider: null, serviceTier: null };
const unused: TokenUsageBreakdown = {
  totalTokens: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0,
};

/** Which model works on each thread, and what the thread has used in all, as the server tells it. */
export class ThreadAccounts {
  readonly #threads = new BoundedMap<string, ThreadAccount>(maxThreads);

  settingsOf(threadId: string): ModelSettings {
    return this.#thread(threadId).settings;
  }

  /** What the thread has used until now; undefined when that is not known. */
  totalOf(threadId: string): TokenUsageBreakdown | undefined {
    const thread = this.#threads.get(threadId);
    return thread?.isStale === false ? thread.total : undefined;
  }

  /** The server has told all settings of the thread. Returns the model, if none was known. */
  setSettings(threadId: string, settings: unknown): string | undefined {
    const thread = this.#thread(threadId);
    const wasKnown = thread.settings.model !== null;
    thread.settings = settingsIn(settings);
    return wasKnown ? undefined : (thread.settings.model ?? undefined);
  }

  /** Gives the thread a model. Returns false when one is known already. */
  suggestModel(threadId: string, model: string): boolean {
    const thread = this.#thread(threadId);
    if (thread.settings.model !== null) return false;
    thread.settings = { ...thread.settings, model };
    return true;
  }

  /**
   * A turn was begun with these params. Returns what they change of the thread's settings: connections without
   * experimental methods are told of that in no other way.
   */
  begun(params: unknown): Partial<ModelSettings> {
    const threadId = textOf(params, "threadId");
    const model = textOf(params, "model");
    const tier = fieldOf(params, "serviceTier");
    if (threadId === undefined) return {};
    const changes = {
      ...(model === undefined ? {} : { model }),
      ...(typeof tier === "string" || tier === null ? { serviceTier: tier } : {}),
    };
    const thread = this.#thread(threadId);
    thread.settings = { ...thread.settings, ...changes };
    return changes;
  }

  /**
   * A thread was started, resumed or forked. `isSourceBusy`: whether a turn runs on the thread that was named. Returns the
   * model that has worked on it, if none was known.
   */
  opened(
    method: string,
    params: unknown,
    result: unknown,
    isSourceBusy: boolean,
  ): string | undefined {
    const threadId = textOf(result, "thread", "id");
    if (threadId === undefined) return undefined;
    const model = this.setSettings(threadId, result);
    const thread = this.#thread(threadId);
    if (method === "thread/start") Object.assign(thread, { total: unused, isStale: false });
    // One that was asked for is that of later turns.
    if (method !== "thread/fork") return textOf(params, "model") === undefined ? model : undefined;
    // A copy goes on counting from where it was taken: behind a turn that runs, or before later ones, nobody knows.
    const total = this.totalOf(textOf(params, "threadId") ?? "");
    const isWhole = fieldOf(params, "lastTurnId") === undefined;
    if (total && isWhole && !isSourceBusy) Object.assign(thread, { total, isStale: false });
    return undefined;
  }

  /**
   * The server has told what the thread has used. Returns what it had used before, where nobody else can have used it
   * since: `ranAllTheTime` says that the turn which the update names is proof of that.
   */
  updated(
    threadId: string,
    usage: unknown,
    update: UsageUpdate,
    ranAllTheTime: boolean,
  ): Tokens | undefined {
    const thread = this.#thread(threadId);
    const before = readTokens(thread.total);
    const isKnown = !thread.isStale || ranAllTheTime || (before && goesOn(before, update));
    thread.total = fieldOf(usage, "total") as TokenUsageBreakdown;
    thread.isStale = false;
    return isKnown ? before : undefined;
  }

  /** Others may use the thread from now on. */
  stale(threadId: string): void {
    const thread = this.#threads.get(threadId);
    if (thread) thread.isStale = true;
  }

  allStale(): void {
    for (const thread of this.#threads.values()) thread.isStale = true;
  }

  delete(threadId: string): void {
    this.#threads.delete(threadId);
  }

  #thread(threadId: string): ThreadAccount {
    const known = this.#threads.get(threadId);
    const thread = known ?? { settings: unknownModel, total: undefined, isStale: false };
    this.#threads.set(threadId, thread);
    return thread;
  }
}

export function updateIn(usage: unknown): UsageUpdate | undefined {
  const total = readTokens(fieldOf(usage, "total"));
  const last = readTokens(fieldOf(usage, "last")) ?? noTokens;
  return total && { total, last };
}

function settingsIn(value: unknown): ModelSettings {
  return {
    model: textOf(value, "model") ?? null,
    modelProvider: textOf(value, "modelProvider") ?? null,
    serviceTier: textOf(value, "serviceTier") ?? null,
  };
}

/** Whether an update follows the one before, or repeats it: nobody has used the thread in between. */
function goesOn(before: Tokens, { total, last }: UsageUpdate): boolean {
  return sameTokens(total, before) || sameTokens(total, addTokens(before, last));
}
