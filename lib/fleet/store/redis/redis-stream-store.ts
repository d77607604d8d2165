import type { StoredStream, StreamEvent, StreamFacts, StreamLimits } from "../../../http/index.js";
import type { LogEntry } from "../../../http/streams/log-entry.js";
import { DatabaseStreams, type WriteStatus } from "../database-streams.js";
import type { readKeepTimes } from "../keep-times.js";
import { shrinkEntries } from "../shrink-entries.js";
import type { StoredPage, StreamPages } from "../stream-pages.js";
import { fromExtras, toExtras } from "../stored-extras.js";
import { streamTopic } from "../topics.js";
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
export class RedisStreamStore extends DatabaseStreams {
  readonly #options: RedisStreamStoreOptions;

  constructor(options: RedisStreamStoreOptions, writer = "", pages?: StreamPages) {
    super(options.connection, writer, pages);
    this.#options = options;
  }

  as(writer: string): RedisStreamStore {
    return new RedisStreamStore(this.#options, writer, this.pages);
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

  protected writeFacts(id: string, given: StreamFacts & StreamLimits): Promise<WriteStatus> {
    const { owner, threadId, retainMs, maxBytes } = given;
    const { keepSilentStreamsMs } = this.#options.keep;
    const args = [owner, threadId, retainMs, maxBytes, keepSilentStreamsMs];
    return this.#write(id, scripts.createStream, args);
  }

  protected writeTurn(id: string, turnId: string): Promise<WriteStatus> {
    return this.#write(id, scripts.nameTurn, [turnId]);
  }

  protected writeEvents(id: string, events: readonly StreamEvent[]): Promise<WriteStatus> {
    const written = events.flatMap(({ seq, type, data }) => [seq, type, data]);
    const args = [this.#channelOf(id), this.#options.keep.keepSilentStreamsMs, ...written];
    return this.#write(id, scripts.appendEvents, args);
  }

  protected writeEnd(id: string): Promise<WriteStatus> {
    return this.#write(id, scripts.endStream, [this.#channelOf(id)]);
  }

  protected async readPage(
    id: string,
    after: number,
    maxBytes: number,
  ): Promise<StoredPage | undefined> {
    const { keys, connection } = this.#options;
    const args = [after, Math.ceil(maxBytes)];
    const found = await connection.run(scripts.readEvents, keys.stream(id), args);
    if (!Array.isArray(found)) return undefined;
    const [ended, last, ...rest] = found as [number, string, ...string[]];
    return { ended: ended === 1, last: Number(last), entries: entriesOf(rest) };
  }

  protected async shrink(id: string): Promise<void> {
    const { keys, connection } = this.#options;
    const found = await connection.run(scripts.readWhole, keys.stream(id), []);
    if (!Array.isArray(found)) return;
    const [shape = "", last = "", maxBytes, ...rest] = found as string[];
    const { entries, bytes } = shrinkEntries(entriesOf(rest), Number(maxBytes));
    const written = entries.flatMap((each) => [each.seq, each.type, each.data, toExtras(each)]);
    await connection.run(scripts.replaceEvents, keys.stream(id), [shape, last, bytes, ...written]);
  }

  #channelOf(id: string): string {
    return this.#options.keys.channel(streamTopic(id));
  }

  async #write(
    id: string,
    script: RedisScript,
    args: readonly (string | number)[],
  ): Promise<WriteStatus> {
    const { keys, connection } = this.#options;
    return (await connection.run(script, keys.stream(id), [this.writer, ...args])) as WriteStatus;
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
