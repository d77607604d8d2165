import { onAbort } from "../../async/abort.js";
import { onDeadline } from "../../async/deadline.js";
import type { Undo } from "../../async/undo.js";
import type { WaitOptions } from "./fleet-store.js";

/** For how long a topic is listened to after the last one who waited (ms): most come back at once. */
const lingerMs = 10_000;

/** The one connection over which a store hears of news. */
export interface NewsWire {
  /**
   * Resolves with whether news of these topics come from now on. If not, the connection is away, and `restored()` is called
   * when it is back.
   */
  listen(topics: readonly string[]): Promise<boolean>;
  /** Never rejects. */
  unlisten(topics: readonly string[]): Promise<void>;
}

/** What somebody waits for news of. */
export interface Topic {
  /** Goes up with the news: what was read before is old. */
  version: number;
  /** Whether news come at this moment. */
  isLive: boolean;
}

interface Watched extends Topic {
  readonly name: string;
  readonly waiting: Set<() => void>;
  /** Resolves when it is listened to. */
  listening: Promise<void>;
  users: number;
  /** Since when nobody uses it (ms, on the clock of `performance`). */
  idleSince: number;
}

/**
 * Wakes those who wait for something in a database, hundreds of them over one connection. News say that there is
 * something, never what: whoever is woken looks. Who waits has listened before it looked, so that nothing is missed;
 * and looks once more at the end of its time, and whenever the connection comes back.
 */
export class News {
  readonly #wire: NewsWire;
  readonly #topics = new Map<string, Watched>();
  #sweep: Undo | undefined;
  #isClosed = false;

  constructor(wire: NewsWire) {
    this.#wire = wire;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** There are news of a topic. */
  arrived(name: string): void {
    const topic = this.#topics.get(name);
    if (topic) wake(topic);
  }

  /** No news come until `restored()`. */
  lost(): void {
    for (const topic of this.#topics.values()) {
      topic.isLive = false;
      topic.version += 1;
    }
  }

  /** The connection is there, be it for the first time. */
  async restored(): Promise<void> {
    const topics = [...this.#topics.values()];
    if (topics.length === 0) return;
    const isLive = await this.#wire.listen(topics.map(({ name }) => name));
    for (const topic of topics) {
      topic.isLive = isLive;
      wake(topic);
    }
  }

  /**
   * Resolves with what `look` finds, looking again at all news of the topic; with undefined at the end of the wait.
   *
   * @param look finds undefined when there is nothing yet. Gets the topic once it is listened to.
   */
  async until<Found>(
    name: string,
    look: (topic: Topic | undefined) => Promise<Found | undefined>,
    wait: WaitOptions,
  ): Promise<Found | undefined> {
    // A store that is closed says so.
    if (this.isClosed) return look(undefined);
    try {
      return await this.#until(name, look, wait);
    } catch (error) {
      if (this.#isClosed) return undefined;
      throw error;
    }
  }

  async #until<Found>(
    name: string,
    look: (topic: Topic | undefined) => Promise<Found | undefined>,
    { waitMs, signal }: WaitOptions,
  ): Promise<Found | undefined> {
    const until = performance.now() + waitMs;
    const isOver = (): boolean => signal.aborted || this.#isClosed;
    if (!this.#topics.has(name)) {
      const found = await look(undefined);
      if (found !== undefined || waitMs <= 0 || isOver()) return found;
    }
    const topic = this.#enter(name);
    try {
      await topic.listening;
      for (;;) {
        const { version } = topic;
        const found = await look(topic);
        if (found !== undefined || isOver()) return found;
        const leftMs = until - performance.now();
        if (leftMs <= 0) return undefined;
        if (topic.version === version) await waitFor(topic, leftMs, signal);
        if (isOver()) return undefined;
      }
    } finally {
      this.#leave(topic);
    }
  }

  /** Nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    this.#sweep?.();
    for (const topic of this.#topics.values()) wake(topic);
    this.#topics.clear();
  }

  #enter(name: string): Watched {
    const topic = this.#topics.get(name) ?? this.#listenTo(name);
    topic.users += 1;
    return topic;
  }

  #listenTo(name: string): Watched {
    const topic: Watched = {
      name,
      version: 0,
      isLive: false,
      waiting: new Set(),
      listening: Promise.resolve(),
      users: 0,
      idleSince: 0,
    };
    this.#topics.set(name, topic);
    topic.listening = this.#wire.listen([name]).then(
      (isLive) => {
        topic.isLive = isLive;
      },
      (error: unknown) => {
        if (this.#topics.get(name) === topic) this.#topics.delete(name);
        throw error;
      },
    );
    return topic;
  }

  #leave(topic: Watched): void {
    topic.users -= 1;
    if (topic.users > 0 || this.#isClosed) return;
    topic.idleSince = performance.now();
    this.#sweep ??= this.#sweepLater(lingerMs);
  }

  #sweepLater(ms: number): Undo {
    const sweep = (): void => {
      this.#sweepIdle();
    };
    return onDeadline(ms, sweep, { unref: true });
  }

  #sweepIdle(): void {
    const now = performance.now();
    const idle = [...this.#topics.values()].filter(({ users }) => users === 0);
    const old = idle.filter(({ idleSince }) => now - idleSince >= lingerMs);
    for (const { name } of old) this.#topics.delete(name);
    if (old.length > 0) void this.#wire.unlisten(old.map(({ name }) => name));
    this.#sweep = idle.length > old.length ? this.#sweepLater(lingerMs) : undefined;
  }
}

function wake(topic: Watched): void {
  topic.version += 1;
  for (const each of topic.waiting) each();
  topic.waiting.clear();
}

/** Resolves at news, at the end of the time, or when the signal aborts. */
async function waitFor(topic: Watched, ms: number, signal: AbortSignal): Promise<void> {
  let stop = (): void => undefined;
  const over = new Promise<void>((resolve) => {
    stop = resolve;
  });
  topic.waiting.add(stop);
  using _deadline = onDeadline(ms, stop, { unref: true });
  using _link = onAbort(signal, stop);
  await over;
  topic.waiting.delete(stop);
}
