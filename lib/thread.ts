import type {
  Thread as ThreadRecord,
  ThreadItemEntry,
  ThreadItemsListParams,
  ThreadTurnsListParams,
  Turn as TurnRecord,
} from "../generated/types.js";
import type { TurnInput } from "./input.js";
import { Pages } from "./pages.js";
import type { AllowUndefined, ResultOf } from "./protocol.js";
import type { Connect } from "./host.js";
import type { RunOptions, TurnOptions } from "./turns/turn-options.js";
import type { TurnResult } from "./turns/turn-result.js";
import { Turn } from "./turn.js";

/** Which turns to list, as in `thread/turns/list`. */
export type ListTurnsOptions = AllowUndefined<Omit<ThreadTurnsListParams, "threadId" | "cursor">>;
/** Which items to list, as in `thread/items/list`. */
export type ListItemsOptions = AllowUndefined<Omit<ThreadItemsListParams, "threadId" | "cursor">>;

/** What the server answered when the thread was started, resumed or forked. */
export type ThreadOpened = ResultOf<"thread/start" | "thread/resume" | "thread/fork">;

/**
 * A conversation: a local handle on a thread of the server. Making one with `thread(id)` sends
 * nothing; handles of the same id share the thread's queue of turns.
 */
export class Thread {
  readonly id: string;
  /** Model, working directory, sandbox and so on, as of the start; undefined for `thread(id)`. */
  readonly opened: ThreadOpened | undefined;
  readonly #connect: Connect;

  /** @internal Use `startThread`, `resumeThread`, `forkThread` or `thread`. */
  constructor(connect: Connect, id: string, opened?: ThreadOpened) {
    this.id = id;
    this.opened = opened;
    this.#connect = connect;
  }

  /**
   * Starts a turn (`turn/start`) and returns its handle at once. A thread that is not loaded is
   * resumed first.
   *
   * @throws InvalidArgumentError for input or options that cannot work. What goes wrong later
   * rejects `run()` and iteration.
   */
  turn(input: TurnInput, options?: TurnOptions): Turn {
    return new Turn(this.#connect, this.id, input, options);
  }

  /** Runs a turn to its end: `thread.turn(input, options).run(options)`. */
  async run(input: TurnInput, options: TurnOptions & RunOptions = {}): Promise<TurnResult> {
    const { throwOnFailure, ...turnOptions } = options;
    return this.turn(input, turnOptions).run({ throwOnFailure });
  }

  /** The stored thread (`thread/read`), without loading it. Its turns: use `turns()`. */
  async read(): Promise<ThreadRecord> {
    const host = await this.#connect();
    return (await host.call("thread/read", { threadId: this.id })).thread;
  }

  /** Names the thread (`thread/name/set`). This also stores a thread that has not run a turn. */
  async setName(name: string): Promise<void> {
    const host = await this.#connect();
    await host.call("thread/name/set", { threadId: this.id, name });
  }

  /** Archives the thread (`thread/archive`); a running turn is interrupted. */
  async archive(): Promise<void> {
    const host = await this.#connect();
    await host.call("thread/archive", { threadId: this.id });
  }

  /** Takes the thread back from the archive (`thread/unarchive`). The next turn loads it. */
  async unarchive(): Promise<void> {
    const host = await this.#connect();
    await host.call("thread/unarchive", { threadId: this.id });
  }

  /**
   * Asks the server to summarise the history (`thread/compact/start`), once the turns before it have
   * ended. Resolves when it has begun; turns that are started meanwhile wait for its end.
   */
  async compact(): Promise<void> {
    const host = await this.#connect();
    // The server would interrupt a running turn for it.
    const pass = host.gate.enter(this.id, { wait: true });
    try {
      await pass.admitted;
      await host.load(this.id);
      await pass.idle();
      await host.call("thread/compact/start", { threadId: this.id });
    } finally {
      pass.leave();
    }
  }

  /** The thread's stored turns (`thread/turns/list`), newest first unless asked otherwise. */
  turns(params: ListTurnsOptions = {}): Pages<TurnRecord> {
    return new Pages(async (cursor) => {
      const host = await this.#connect();
      return host.call("thread/turns/list", { ...params, ...this.#page(cursor) });
    });
  }

  /** The thread's stored items (`thread/items/list`), each with the id of its turn. */
  items(params: ListItemsOptions = {}): Pages<ThreadItemEntry> {
    return new Pages(async (cursor) => {
      const host = await this.#connect();
      return host.call("thread/items/list", { ...params, ...this.#page(cursor) });
    });
  }

  #page(cursor: string | undefined): { threadId: string; cursor?: string } {
    return cursor === undefined ? { threadId: this.id } : { threadId: this.id, cursor };
  }
}
