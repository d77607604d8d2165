import type {
  ReadEventsOptions,
  StoredStream,
  StreamEvent,
  StreamFacts,
  StreamLimits,
  StreamPage,
  TurnStreamStore,
} from "../../http/index.js";
import { StreamTakenError } from "../../index.js";
import { checkStorable } from "./encode-id.js";
import { batchesOf } from "./event-batches.js";
import type { News } from "./news.js";
import { StreamPages, type StoredPage } from "./stream-pages.js";
import { streamTopic } from "./topics.js";

/** What streams need of their store's connections. */
interface StreamConnection {
  readonly news: News;
  close(): Promise<void>;
}

/** What a write comes to: nothing to say, a stream over its limit, none, or one that another writer has taken. */
export type WriteStatus = 0 | 1 | -1 | -2;

/** The streams of a store in a database, for one writer. What a database does in its own way is left to its class. */
export abstract class DatabaseStreams implements TurnStreamStore {
  /** The name under which this one writes; empty for whoever does not care. */
  protected readonly writer: string;
  protected readonly pages: StreamPages;
  readonly #connection: StreamConnection;

  constructor(connection: StreamConnection, writer: string, pages?: StreamPages) {
    this.#connection = connection;
    this.writer = writer;
    this.pages = pages ?? new StreamPages(connection.news, this.readPage.bind(this));
  }

  /** The same streams for a writer whom another one can take a stream from. */
  abstract as(writer: string): DatabaseStreams;

  async create(id: string, facts: StreamFacts, limits: StreamLimits): Promise<void> {
    checkStorable("owner", facts.owner);
    checkStorable("threadId", facts.threadId);
    const [retainMs, maxBytes] = [Math.ceil(limits.retainMs), Math.ceil(limits.maxBytes)];
    throwIfTaken(await this.writeFacts(id, { ...facts, retainMs, maxBytes }));
  }

  async nameTurn(id: string, turnId: string): Promise<void> {
    checkStorable("turnId", turnId);
    throwIfTaken(await this.writeTurn(id, turnId));
  }

  async append(id: string, events: readonly StreamEvent[]): Promise<void> {
    for (const batch of batchesOf(events)) {
      const status = await this.writeEvents(id, batch);
      throwIfTaken(status);
      if (status === 1) await this.shrink(id);
    }
  }

  async end(id: string): Promise<void> {
    throwIfTaken(await this.writeEnd(id));
  }

  read(id: string, after: number, options: ReadEventsOptions): Promise<StreamPage | undefined> {
    return this.pages.read(id, streamTopic(id), after, options);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  abstract find(id: string): Promise<StoredStream | undefined>;
  abstract ownThread(threadId: string, owner: string): Promise<string>;
  abstract ownerOf(threadId: string): Promise<string | undefined>;
  abstract threadsOf(owner: string, limit: number): Promise<readonly string[]>;

  protected abstract writeFacts(
    id: string,
    given: StreamFacts & StreamLimits,
  ): Promise<WriteStatus>;
  protected abstract writeTurn(id: string, turnId: string): Promise<WriteStatus>;
  /** Adds what the database takes in one step. */
  protected abstract writeEvents(id: string, events: readonly StreamEvent[]): Promise<WriteStatus>;
  protected abstract writeEnd(id: string): Promise<WriteStatus>;
  protected abstract readPage(
    id: string,
    after: number,
    maxBytes: number,
  ): Promise<StoredPage | undefined>;
  /** Makes a stream fit, as the store in memory does. Whoever appends meanwhile does it again. */
  protected abstract shrink(id: string): Promise<void>;
}

function throwIfTaken(status: WriteStatus): void {
  if (status === -2) throw new StreamTakenError();
}
