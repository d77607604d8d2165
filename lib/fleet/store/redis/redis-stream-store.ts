import type {
  ReadEventsOptions,
  StoredStream,
  StreamEvent,
  StreamFacts,
  StreamLimits,
  StreamPage,
  TurnStreamStore,
} from "../../../http/index.js";
import type { LogEntry } from "../../../http/streams/log-entry.js";
import { StreamTakenError } from "../../../index.js";
import { checkStorable } from "../encode-id.js";
import { batchesOf } from "../event-batches.js";
import type { readKeepTimes } from "../keep-times.js";
import { shrinkEntries } from "../shrink-entries.js";
import { StreamPages, type StoredPage } from "../stream-pages.js";
import { fromExtras, toExtras } from "../stored-extras.js";
import type { RedisConnection } from "./redis-connection.js";
import type { RedisKeys } from "./redis-keys.js";
import type { RedisScript } from "./redis-script.js";
import * as scripts from "./stream-scripts.js";

/** Of each owner as many threads are listed, the newest ones. */
const maxThreadsOfOwner = 10_000;

export interface RedisStreamStoreOptions {
  readonly connection: RedisConnection;
  readonly keys: RedisKeys;
  readonly keep: ReturnType<typeof readKeepTimes>;
}

/** The streams of a `RedisFleetStore`, each as a Redis stream with its facts beside it. */
export class RedisStreamStore implements TurnStreamStore {
  readonly #options: RedisStreamStoreOptions;
  readonly #pages: StreamPages;
  /** The name under which this one writes; empty for whoever does not care. */
  readonly #writer: string;

  constructor(options: RedisStreamStoreOptions, writer = "", pages?: StreamPages) {
    this.#options = options;
    this.#writer = writer;
    const readPage = this.#readPage.bind(this);
    this.#pages = pages ?? new StreamPages(options.connection.news, readPage);
  }

  /** The same streams for a writer whom another one can take a stream from. */
  as(writer: string): RedisStreamStore {
    return new RedisStreamStore(this.#options, writer, this.#pages);
  }

  async create(id: string, facts: StreamFacts, limits: StreamLimits): Promise<void> {
    checkStorable("owner", facts.owner);
    checkStorable("threadId", facts.threadId);
    const { retainMs, maxBytes } = limits;
    await this.#write(id, scripts.createStream, [
      facts.owner,
      facts.threadId,
      Math.ceil(retainMs),
      Math.ceil(maxBytes),
      this.#options.keep.keepSilentStreamsMs,
    ]);
  }

  async nameTurn(id: string, turnId: string): Promise<void> {
    checkStorable("turnId", turnId);
    await this.#write(id, scripts.nameTurn, [turnId]);
  }

  async append(id: string, events: readonly StreamEvent[]): Promise<void> {
    const { keys, keep } = this.#options;
    const channel = keys.channel(keys.streamTopic(id));
    for (const batch of batchesOf(events)) {
      const written = batch.flatMap(({ seq, type, data }) => [seq, type, data]);
      const args = [channel, keep.keepSilentStreamsMs, ...written];
      const isTooLarge = (await this.#write(id, scripts.appendEvents, args)) === 1;
      if (isTooLarge) await this.#shrink(id);
    }
  }

  async end(id: string): Promise<void> {
    const { keys } = this.#options;
    await this.#write(id, scripts.endStream, [keys.channel(keys.streamTopic(id))]);
  }

  async find(id: string): Promise<StoredStream | undefined> {
    const { keys, connection } = this.#options;
    const found = await connection.run(scripts.findStream, keys.stream(id), []);
    const [owner, threadId, turnId, ended, last] = found as (string | null)[];
    if (typeof owner !== "string" || typeof threadId !== "string") return undefined;
    return {
      owner,
      threadId,
      turnId: turnId ?? undefined,
      ended: ended === "1",
      last: Number(last),
    };
  }

  read(id: string, after: number, options: ReadEventsOptions): Promise<StreamPage | undefined> {
    return this.#pages.read(id, this.#options.keys.streamTopic(id), after, options);
  }

  async ownThread(threadId: string, owner: string): Promise<string> {
    const { connection, keys, keep } = this.#options;
    const { keepThreadsMs } = keep;
    const ownerKey = keys.thread(threadId, "owner");
    const listKey = keys.threadsOf(owner);
    const given = await connection.run(scripts.ownThread, [ownerKey], [owner, keepThreadsMs]);
    // Two steps, since the two keys may lie on two nodes; whoever comes next makes up for one that was not done.
    if (given === owner) {
      const args = [threadId, maxThreadsOfOwner, keepThreadsMs];
      await connection.run(scripts.listThread, [listKey], args);
    }
    return String(given);
  }

  async ownerOf(threadId: string): Promise<string | undefined> {
    const { connection, keys } = this.#options;
    const owner = await connection.run(scripts.textAt, [keys.thread(threadId, "owner")], []);
    return typeof owner === "string" ? owner : undefined;
  }

  async threadsOf(owner: string, limit: number): Promise<readonly string[]> {
    const { connection, keys } = this.#options;
    const listed = await connection.run(scripts.newestThreads, [keys.threadsOf(owner)], [limit]);
    return listed as string[];
  }

  close(): Promise<void> {
    return this.#options.connection.close();
  }

  /** Runs a script that writes; gives what it says beside its success. */
  async #write(
    id: string,
    script: RedisScript,
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const { keys, connection } = this.#options;
    const given = await connection.run(script, keys.stream(id), [this.#writer, ...args]);
    const [status, more] = given as readonly number[];
    if (status === -2) throw new StreamTakenError();
    return more;
  }

  async #readPage(id: string, after: number, maxBytes: number): Promise<StoredPage | undefined> {
    const { keys, connection } = this.#options;
    const args = [after, Math.ceil(maxBytes)];
    const found = await connection.run(scripts.readEvents, keys.stream(id), args);
    if (!Array.isArray(found)) return undefined;
    const [ended, last, ...rest] = found as [number, string, ...string[]];
    return { ended: ended === 1, last: Number(last), entries: entriesOf(rest) };
  }

  /** Makes a stream fit, as the store in memory does. Whoever appends meanwhile does it again. */
  async #shrink(id: string): Promise<void> {
    const { keys, connection } = this.#options;
    const found = await connection.run(scripts.readWhole, keys.stream(id), []);
    if (!Array.isArray(found)) return;
    const [shape = "", last = "", maxBytes, ...rest] = found as string[];
    const { entries, bytes } = shrinkEntries(entriesOf(rest), Number(maxBytes));
    const written = entries.flatMap((each) => [each.seq, each.type, each.data, toExtras(each)]);
    await connection.run(scripts.replaceEvents, keys.stream(id), [shape, last, bytes, ...written]);
  }
}

/** The entries of a reply, four fields each. */
function entriesOf(reply: readonly string[]): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let index = 0; index < reply.length; index += 4) {
    const [seq = "", type = "", data = "", extras = ""] = reply.slice(index, index + 4);
    entries.push({ seq: Number(seq), type, data, ...fromExtras(extras) });
  }
  return entries;
}
