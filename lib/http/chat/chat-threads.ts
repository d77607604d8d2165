import type { Thread as ThreadRecord } from "../../../generated/types.js";
import { BoundedMap } from "../../async/bounded-map.js";
import { pickKeys } from "../../errors/check-options.js";
import { ThreadNotFoundError } from "../../errors/rpc-errors.js";
import type { Codex, StartThreadOptions, Thread } from "../../index.js";
import { resumeThreadKeys } from "../../options/option-keys.js";
import type { PartOptions } from "../../parts/part-options.js";
import { partsOfStoredTurn } from "../../parts/stored-turn-parts.js";
import type { TurnPart } from "../../parts/turn-part.js";
import type { HeldRequestHandlers } from "../requests/held-requests.js";
import { NotFoundError } from "../web-errors.js";

/** Settings of a thread, without what the streams of its turns bring. */
export type ChatThreadOptions = Omit<
  StartThreadOptions,
  "onApproval" | "onUserInput" | "onElicitation"
>;

interface StoredTurn {
  readonly id: string;
  readonly parts: readonly TurnPart[];
}

/** What a chat needs of a `Codex` for its threads. */
export type ThreadSource = Pick<Codex, "startThread" | "resumeThread" | "thread">;

/** A thread, as a list shows it. */
export interface ChatThread {
  readonly threadId: string;
  /** Its name, or how its first message begins; `null` before the first turn. */
  readonly title: string | null;
  /** Unix time in seconds; `null` before the first turn. */
  readonly updatedAt: number | null;
}

/** A thread with what was said in it. */
export interface ChatHistory extends ChatThread {
  /** Its newest turns that are over, oldest first, each as its parts. */
  readonly turns: readonly (readonly TurnPart[])[];
  /** The ids of its turns that run in this process, or wait for those before them: as `POST …/turns` gave them. */
  readonly running: readonly string[];
}

/** How many turns of a thread are shown. */
const maxTurns = 100;
const titleLength = 80;
/** How many threads are remembered as opened; one that is forgotten is resumed once more. */
const maxOpened = 10_000;

/** Starts, resumes and reads the threads of a chat. Who may do so was asked before. */
export class ChatThreads {
  readonly #codex: ThreadSource;
  readonly #handlers: HeldRequestHandlers;
  readonly #parts: PartOptions;
  /** The threads that this process has started or resumed with the settings of the chat. */
  readonly #opened = new BoundedMap<string, Promise<Thread>>(maxOpened);

  constructor(codex: ThreadSource, handlers: HeldRequestHandlers, parts: PartOptions) {
    this.#codex = codex;
    this.#handlers = handlers;
    this.#parts = parts;
  }

  async start(settings: ChatThreadOptions): Promise<Thread> {
    const thread = await this.#codex.startThread({ ...settings, ...this.#handlers });
    this.#opened.set(thread.id, Promise.resolve(thread));
    return thread;
  }

  /**
   * The thread with the settings of the chat, whatever process has started it.
   *
   * @throws NotFoundError when the server does not know it.
   */
  open(threadId: string, settings: () => Promise<ChatThreadOptions>): Promise<Thread> {
    const known = this.#opened.get(threadId);
    if (known) return known;
    const opening = this.#resume(threadId, settings);
    this.#opened.set(threadId, opening);
    opening.catch(() => this.#opened.delete(threadId));
    return opening;
  }

  async describe(threadId: string): Promise<ChatThread> {
    return summaryOf(threadId, await this.#read(threadId));
  }

  /** The thread and its newest turns, oldest first, each with its parts. */
  async history(threadId: string): Promise<ChatThread & { readonly turns: readonly StoredTurn[] }> {
    const record = await this.#read(threadId);
    const options = record ? { cwd: record.cwd, ...this.#parts } : this.#parts;
    const newest = { limit: maxTurns, sortDirection: "desc", itemsView: "full" } as const;
    const { data } = await this.#codex.thread(threadId).turns(newest);
    const turns = data.map((turn) => {
      return { id: turn.id, parts: partsOfStoredTurn(threadId, turn, options) };
    });
    return { ...summaryOf(threadId, record), turns: turns.reverse() };
  }

  /** What is stored of a thread; nothing before its first turn. */
  async #read(threadId: string): Promise<ThreadRecord | undefined> {
    try {
      return await this.#codex.thread(threadId).read();
    } catch (error) {
      if (error instanceof ThreadNotFoundError) return undefined;
      throw error;
    }
  }

  async #resume(threadId: string, settings: () => Promise<ChatThreadOptions>): Promise<Thread> {
    const known = pickKeys(await settings(), resumeThreadKeys);
    try {
      return await this.#codex.resumeThread(threadId, { ...known, ...this.#handlers });
    } catch (error) {
      throw error instanceof ThreadNotFoundError ? new NotFoundError() : error;
    }
  }
}

function summaryOf(threadId: string, record: ThreadRecord | undefined): ChatThread {
  const title = record?.name ?? record?.preview.trim().slice(0, titleLength) ?? "";
  return { threadId, title: title === "" ? null : title, updatedAt: record?.updatedAt ?? null };
}
