import { eventFor, sizeOf, type LogEntry } from "./log-entry.js";
import { LogReaders } from "./log-readers.js";
import { shrinkLog } from "./shrink-log.js";
import type { ReadEventsOptions, StreamEvent, StreamPage } from "./turn-stream-store.js";

/** A log over its limit is made a good deal smaller, since that reads all of it. */
const shrinkTo = 0.75;

/** The events of one stream in memory. Any number of readers pull from it, each with a cursor of its own. */
export class TurnLog {
  readonly #maxBytes: number;
  readonly #readers = new LogReaders();
  #entries: LogEntry[] = [];
  #bytes = 0;
  #ended = false;
  #closed = false;
  /** The newest page that was read: most readers are at the same place, and get the same object. */
  #shared:
    { readonly after: number; readonly maxBytes: number; readonly page: StreamPage } | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get last(): number {
    return this.#entries.at(-1)?.seq ?? 0;
  }

  /** What is kept (bytes, roughly). */
  get bytes(): number {
    return this.#bytes;
  }

  append(events: readonly StreamEvent[]): void {
    if (this.#ended) return;
    let { last } = this;
    for (const event of events) {
      if (event.seq <= last) continue;
      last = event.seq;
      this.#entries.push(event);
      this.#bytes += sizeOf(event);
    }
    if (this.#bytes > this.#maxBytes) {
      this.#entries = shrinkLog(this.#entries, shrinkTo * this.#maxBytes);
      this.#bytes = this.#entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
    }
    this.#shared = undefined;
    this.#readers.wake();
  }

  end(): void {
    this.#ended = true;
    this.#shared = undefined;
    this.#readers.end();
  }

  /** Readers that wait get nothing more. */
  close(): void {
    this.#closed = true;
    this.#shared = undefined;
    this.#readers.end();
  }

  async read(after: number, { maxBytes, waitMs, signal }: ReadEventsOptions): Promise<StreamPage> {
    const isNews = this.last > after || this.#ended || this.#closed;
    if (!isNews && !signal.aborted && waitMs > 0) await this.#readers.wait(waitMs, signal);
    const shared = this.#shared;
    if (shared?.after === after && shared.maxBytes === maxBytes) return shared.page;
    const page = this.#pageBehind(after, maxBytes);
    this.#shared = { after, maxBytes, page };
    return page;
  }

  #pageBehind(after: number, maxBytes: number): StreamPage {
    const events: StreamEvent[] = [];
    let bytes = 0;
    for (let index = this.#indexBehind(after); index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (!entry || (bytes > 0 && bytes + entry.data.length > maxBytes)) break;
      events.push(eventFor(entry, after));
      bytes += entry.data.length;
    }
    const reached = events.at(-1)?.seq ?? after;
    return { events, ended: this.#closed || (this.#ended && reached >= this.last) };
  }

  /** Where the first entry lies that is newer. */
  #indexBehind(after: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.seq ?? 0) <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
