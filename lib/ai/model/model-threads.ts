import { BoundedMap } from "../../async/bounded-map.js";
import { pickKeys } from "../../errors/check-options.js";
import type { Codex, StartThreadOptions, Thread, Tool } from "../../index.js";
import { resumeThreadKeys, threadHandleKeys } from "../../options/option-keys.js";
import type { ReadPrompt } from "./read-prompt.js";

/** What a provider needs of a `Codex`. */
export type ModelSource = Pick<Codex, "startThread" | "resumeThread" | "thread">;

/** Settings of the threads of a provider; the tools are those of each call. */
export type ModelThreadOptions = Omit<StartThreadOptions, "tools" | "dynamicTools">;

/** How many threads are remembered as opened; one that is forgotten is resumed once more. */
const maxOpened = 10_000;

/** A thread, and the names of the tools that its model knows; undefined where another process has started it. */
interface Opened {
  readonly thread: Thread;
  readonly tools: ReadonlySet<string> | undefined;
}

/** Starts and opens the threads of a provider. */
export class ModelThreads {
  readonly #source: ModelSource;
  readonly #settings: ModelThreadOptions;
  readonly #opened = new BoundedMap<
    string,
    { readonly tools: Opened["tools"]; readonly cwd: string }
  >(maxOpened);

  constructor(source: ModelSource, settings: ModelThreadOptions) {
    this.#source = source;
    this.#settings = settings;
  }

  /** A new thread, which knows what was said before. */
  async start(
    { instructions, history }: ReadPrompt,
    tools: readonly Tool[],
    model: string | undefined,
  ): Promise<Thread> {
    const own = this.#settings.developerInstructions;
    const all = [own, instructions].filter(
      (text) => text !== undefined && text !== null && text !== "",
    );
    const thread = await this.#source.startThread({
      ...this.#settings,
      ...(all.length > 0 ? { developerInstructions: all.join("\n\n") } : undefined),
      ...(model === undefined ? undefined : { model }),
      tools,
    });
    const cwd = thread.opened?.cwd ?? "";
    this.#opened.set(thread.id, { tools: new Set(tools.map(({ name }) => name)), cwd });
    if (history.length > 0) await thread.injectItems(history);
    return thread;
  }

  /** A thread that there is already, with the settings and handlers of the provider. */
  async open(threadId: string, tools: readonly Tool[]): Promise<Opened & { readonly cwd: string }> {
    const known = this.#opened.get(threadId);
    if (known) {
      const handlers = pickKeys(this.#settings, threadHandleKeys);
      return { thread: this.#source.thread(threadId, { ...handlers, tools }), ...known };
    }
    const settings = pickKeys(this.#settings, resumeThreadKeys);
    const thread = await this.#source.resumeThread(threadId, { ...settings, tools });
    const opened = { tools: undefined, cwd: thread.opened?.cwd ?? "" };
    this.#opened.set(threadId, opened);
    return { thread, ...opened };
  }
}
