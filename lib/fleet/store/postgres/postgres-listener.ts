import { createHash } from "node:crypto";
import type { Client } from "pg";
import { pause, settleWithin } from "../../../async/timers.js";
import { News } from "../news.js";
import { dropConnection } from "./drop-connection.js";
import { loadPg } from "./load-pg.js";

/** How long it waits before it connects again (ms). */
const retryMs = 200;

/** How long `close()` waits for the connection to end (ms). */
const endMs = 1_000;

/**
 * The one connection that hears of news, by LISTEN. It must be one to PostgreSQL itself: a pooler that gives each
 * transaction another connection loses what is listened to.
 */
export class PostgresListener {
  readonly news: News;
  readonly #config: object;
  readonly #schema: string;
  readonly #over = new AbortController();
  readonly #topics = new Map<string, string>();
  /** The one that is connected. */
  #client: Client | undefined;
  /** That one, or the one that is being connected. */
  #newest: Client | undefined;
  #running: Promise<void> | undefined;

  constructor(config: object, schema: string) {
    this.#config = config;
    this.#schema = schema;
    this.news = new News({
      listen: (topics) => this.#listen(topics),
      unlisten: (topics) => this.#unlisten(topics),
    });
  }

  /** Names of channels are short. */
  channelOf(topic: string): string {
    const hash = createHash("sha256").update(`${this.#schema} ${topic}`).digest("hex");
    return `codex_${hash.slice(0, 40)}`;
  }

  async close(): Promise<void> {
    this.#over.abort();
    const client = this.#newest;
    const ending = client?.end().catch(() => undefined);
    const over = await settleWithin(Promise.all([ending, this.#running]), endMs);
    // A server that is gone without a word never says that it has, and would keep this process alive.
    if (over === "timeout" && client) dropConnection(client);
  }

  async #listen(topics: readonly string[]): Promise<boolean> {
    if (this.#over.signal.aborted) return false;
    for (const topic of topics) this.#topics.set(this.channelOf(topic), topic);
    this.#running ??= this.#run().catch(() => undefined);
    // Whatever is listened to is asked for again when the connection is there.
    const client = this.#client;
    return client ? this.#tell(client, "listen", topics) : false;
  }

  async #unlisten(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.#topics.delete(this.channelOf(topic));
    if (this.#client) await this.#tell(this.#client, "unlisten", topics);
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Gives whether it is done. A connection on which it fails is ended, and the next one listens. */
  async #tell(
    client: Client,
    what: "listen" | "unlisten",
    topics: readonly string[],
  ): Promise<boolean> {
    const statements = topics.map((topic) => `${what} ${this.channelOf(topic)}`);
    try {
      await client.query(statements.join("; "));
      return true;
    } catch {
      await client.end().catch(() => undefined);
      return false;
    }
  }

  /** Keeps one connection up until the end. */
  async #run(): Promise<void> {
    const { signal } = this.#over;
    const { Client: ClientClass } = await loadPg();
    while (!this.#isOver()) {
      const client = new ClientClass(this.#config);
      this.#newest = client;
      const gone = new Promise<void>((resolve) => {
        client.once("end", resolve);
      });
      client.on("error", () => undefined);
      client.on("notification", ({ channel }) => {
        const topic = this.#topics.get(channel);
        if (topic !== undefined) this.news.arrived(topic);
      });
      try {
        await client.connect();
        this.#client = client;
        if (this.#isOver()) dropConnection(client);
        else await this.news.restored();
        await gone;
      } catch {
        await client.end().catch(() => undefined);
      }
      this.#client = undefined;
      this.news.lost();
      await pause(retryMs, signal).catch(() => undefined);
    }
  }
}
