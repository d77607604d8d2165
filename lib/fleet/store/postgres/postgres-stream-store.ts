import type { StoredStream, StreamEvent, StreamFacts, StreamLimits } from "../../../http/index.js";
import type { LogEntry } from "../../../http/streams/log-entry.js";
import { DatabaseStreams, type WriteStatus } from "../database-streams.js";
import { encodeId } from "../encode-id.js";
import type { readKeepTimes } from "../keep-times.js";
import { fromExtras, toExtras } from "../stored-extras.js";
import { shrinkEntries } from "../shrink-entries.js";
import type { StoredPage, StreamPages } from "../stream-pages.js";
import { streamTopic } from "../topics.js";
import type { PostgresConnection } from "./postgres-connection.js";
import { fromText, toText } from "./stored-text.js";

/** As many entries are read at once. */
const maxPageEntries = 1_000;

export interface PostgresStreamStoreOptions {
  readonly connection: PostgresConnection;
  readonly keep: ReturnType<typeof readKeepTimes>;
}

interface EntryRow {
  readonly seq: string | null;
  readonly type: string;
  readonly data: string;
  readonly extras: string;
}

/** The streams of a `PostgresFleetStore`, each as the rows of its events. */
export class PostgresStreamStore extends DatabaseStreams {
  readonly #options: PostgresStreamStoreOptions;

  constructor(options: PostgresStreamStoreOptions, writer = "", pages?: StreamPages) {
    super(options.connection, writer, pages);
    this.#options = options;
  }

  as(writer: string): PostgresStreamStore {
    return new PostgresStreamStore(this.#options, writer, this.pages);
  }

  async find(id: string): Promise<StoredStream | undefined> {
    const [found] = await this.#options.connection.query<{
      owner: string;
      thread_id: string;
      turn_id: string | null;
      ended: boolean;
      last: string;
    }>(
      `select owner, thread_id, turn_id, ended, last from streams
       where id = $1 and expires_at > clock_timestamp()`,
      [encodeId("id", id)],
    );
    if (!found) return undefined;
    return {
      owner: fromText(found.owner),
      threadId: fromText(found.thread_id),
      turnId: found.turn_id === null ? undefined : fromText(found.turn_id),
      ended: found.ended,
      last: Number(found.last),
    };
  }

  async ownThread(threadId: string, owner: string): Promise<string> {
    const { connection, keep } = this.#options;
    const thread = [encodeId("threadId", threadId), toText(threadId)];
    const args = [...thread, encodeId("owner", owner), toText(owner), keep.keepThreadsMs];
    return fromText((await connection.call<string>("own_thread", args)) ?? toText(owner));
  }

  async ownerOf(threadId: string): Promise<string | undefined> {
    const [found] = await this.#options.connection.query<{ owner_text: string | null }>(
      "select owner_text from threads where id = $1 and expires_at > clock_timestamp()",
      [encodeId("threadId", threadId)],
    );
    const owner = found?.owner_text ?? undefined;
    return owner === undefined ? undefined : fromText(owner);
  }

  async threadsOf(owner: string, limit: number): Promise<readonly string[]> {
    const found = await this.#options.connection.query<{ id_text: string }>(
      `select id_text from threads where owner = $1 and expires_at > clock_timestamp()
       order by owned desc limit $2`,
      [encodeId("owner", owner), limit],
    );
    return found.map(({ id_text: threadId }) => fromText(threadId));
  }

  protected writeFacts(id: string, given: StreamFacts & StreamLimits): Promise<WriteStatus> {
    const { owner, threadId, retainMs, maxBytes } = given;
    const { keepSilentStreamsMs } = this.#options.keep;
    const args = [toText(owner), toText(threadId), retainMs, maxBytes, keepSilentStreamsMs];
    return this.#write("create_stream", id, args);
  }

  protected writeTurn(id: string, turnId: string): Promise<WriteStatus> {
    return this.#write("name_turn", id, [toText(turnId)]);
  }

  protected writeEvents(id: string, events: readonly StreamEvent[]): Promise<WriteStatus> {
    return this.#write("append_events", id, [
      this.#channelOf(id),
      this.#options.keep.keepSilentStreamsMs,
      events.map(({ seq }) => seq),
      events.map(({ type }) => toText(type)),
      events.map(({ data }) => data),
    ]);
  }

  protected writeEnd(id: string): Promise<WriteStatus> {
    return this.#write("end_stream", id, [this.#channelOf(id)]);
  }

  protected async readPage(
    id: string,
    after: number,
    maxBytes: number,
  ): Promise<StoredPage | undefined> {
    const rows = await this.#options.connection.query<
      EntryRow & { readonly ended: boolean; readonly last: string }
    >(
      // The first entry of a page is read however large it is.
      `select s.ended, s.last, e.seq, e.type, e.data, e.extras from streams s
       left join lateral (
         select * from (
           select seq, type, data, extras, octet_length(data) as size,
             sum(octet_length(data)) over (order by seq) as total
           from (select * from events where stream = s.id and seq > $2 order by seq limit $4) newer
         ) sized where total <= $3 or total = size
       ) e on true
       where s.id = $1 and s.expires_at > clock_timestamp()
       order by e.seq`,
      [encodeId("id", id), after, Math.ceil(maxBytes), maxPageEntries],
    );
    const [first] = rows;
    if (!first) return undefined;
    return { ended: first.ended, last: Number(first.last), entries: entriesOf(rows) };
  }

  protected async shrink(id: string): Promise<void> {
    const { connection } = this.#options;
    const key = encodeId("id", id);
    // One statement sees the facts and the entries of one moment.
    const rows = await connection.query<
      EntryRow & { readonly shape: number; readonly last: string; readonly max_bytes: string }
    >(
      `select s.shape, s.last, s.max_bytes, e.seq, e.type, e.data, e.extras
       from streams s left join events e on e.stream = s.id where s.id = $1 order by e.seq`,
      [key],
    );
    const [first] = rows;
    if (!first) return;
    const { entries, bytes } = shrinkEntries(entriesOf(rows), Number(first.max_bytes));
    await connection.call("replace_events", [
      key,
      first.shape,
      first.last,
      bytes,
      entries.map(({ seq }) => seq),
      entries.map(({ type }) => toText(type)),
      entries.map(({ data }) => data),
      entries.map(toExtras),
    ]);
  }

  #channelOf(id: string): string {
    return this.#options.connection.channelOf(streamTopic(id));
  }

  async #write(name: string, id: string, args: readonly unknown[]): Promise<WriteStatus> {
    const all = [encodeId("id", id), toText(this.writer), ...args];
    return (await this.#options.connection.call<WriteStatus>(name, all)) ?? 0;
  }
}

function entriesOf(rows: readonly EntryRow[]): LogEntry[] {
  return rows
    .filter(({ seq }) => seq !== null)
    .map(({ seq, type, data, extras }) => ({
      seq: Number(seq),
      type: fromText(type),
      data,
      ...fromExtras(extras),
    }));
}
