import { BoundedMap } from "../../async/bounded-map.js";
import { eventFor, type LogEntry } from "../../http/streams/log-entry.js";
import type { ReadEventsOptions, StreamPage } from "../../http/index.js";
import type { News, Topic } from "./news.js";

/** What a database has of a stream behind a number: its entries, and how far the stream has come. */
export interface StoredPage {
  readonly ended: boolean;
  /** The number of the newest event. */
  readonly last: number;
  readonly entries: readonly LogEntry[];
}

/** Reads a page: as many entries as fit into `maxBytes`, one at least. Resolves with undefined when there is no stream. */
export type ReadStoredPage = (
  id: string,
  after: number,
  maxBytes: number,
) => Promise<StoredPage | undefined>;

/** Of as many streams the newest page is kept, for the viewers who are at the same place. */
const maxShared = 500;

interface SharedPage {
  readonly version: number;
  readonly after: number;
  readonly maxBytes: number;
  readonly page: Promise<StreamPage | "missing" | undefined>;
}

/** Reads streams for any number of viewers: those at the same place of a stream share what is read. */
export class StreamPages {
  readonly #news: News;
  readonly #readPage: ReadStoredPage;
  readonly #shared = new BoundedMap<string, SharedPage>(maxShared);

  constructor(news: News, readPage: ReadStoredPage) {
    this.#news = news;
    this.#readPage = readPage;
  }

  /** Does what `TurnStreamStore.read()` says, for a stream whose news come under `topic`. */
  async read(
    id: string,
    topic: string,
    after: number,
    options: ReadEventsOptions,
  ): Promise<StreamPage | undefined> {
    const look = (watched: Topic | undefined) => this.#look(id, after, options.maxBytes, watched);
    const found = await this.#news.until(topic, look, options);
    if (found === "missing") return undefined;
    return found ?? { events: [], ended: this.#news.isClosed };
  }

  #look(
    id: string,
    after: number,
    maxBytes: number,
    topic: Topic | undefined,
  ): Promise<StreamPage | "missing" | undefined> {
    if (!topic?.isLive) return this.#page(id, after, maxBytes);
    const { version } = topic;
    const shared = this.#shared.get(id);
    const isSame = shared?.after === after && shared.maxBytes === maxBytes;
    if (isSame && shared.version === version) return shared.page;
    const page = this.#page(id, after, maxBytes);
    const own = { version, after, maxBytes, page };
    this.#shared.set(id, own);
    const forget = (): void => {
      if (this.#shared.get(id) === own) this.#shared.delete(id);
    };
    // Nothing is no page: whoever comes later looks again.
    page.then((found) => {
      if (typeof found !== "object") forget();
    }, forget);
    return page;
  }

  async #page(
    id: string,
    after: number,
    maxBytes: number,
  ): Promise<StreamPage | "missing" | undefined> {
    const stored = await this.#readPage(id, after, maxBytes);
    if (!stored) return "missing";
    const events = stored.entries.map((entry) => eventFor(entry, after));
    const reached = events.at(-1)?.seq ?? after;
    const ended = stored.ended && reached >= stored.last;
    return events.length > 0 || ended ? { events, ended } : undefined;
  }
}
