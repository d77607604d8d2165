import { onAbort } from "../../async/abort.js";
import { onDeadline } from "../../async/deadline.js";
import { Deferred } from "../../async/deferred.js";
import { eventFor, sizeOf, type LogEntry } from "./log-entry.js";
import { shrinkLog } from "./shrink-log.js";
import type { ReadEventsOptions, StreamEvent, StreamPage } from "./turn-stream-store.js";

/** A log over its limit is made a good deal smaller, since that reads all of it. */
const shrinkTo = 0.75;

/** The events of one stream in memory. Any number of readers pull from it, each with a cursor of its own. */
export class TurnLog {
  readonly #maxBytes: number;
  #entries: LogEntry[] = [];
  #bytes = 0;
  #ended = false;
  #closed = false;
  readonly #waiting = new Set<() => void>();

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
    for (const event of events) {
      this.#entries.push(event);
      this.#bytes += sizeOf(event);
    }
    if (this.#bytes > this.#maxBytes) {
      this.#entries = shrinkLog(this.#entries, shrinkTo * this.#maxBytes);
      this.#bytes = this.#entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
    }
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Readers that wait get nothing more. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async read(after: number, options: ReadEventsOptions): Promise<StreamPage> {
    if (this.last <= after && !this.#ended) await this.#somethingNew(options);
    const events: StreamEvent[] = [];
    let bytes = 0;
    for (let index = this.#indexBehind(after); index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (!entry || (bytes > 0 && bytes + entry.data.length > options.maxBytes)) break;
      events.push(eventFor(entry, after));
      bytes += entry.data.length;
    }
    const reached = events.at(-1)?.seq ?? after;
    return { events, ended: this.#closed || (this.#ended && reached >= this.last) };
  }

  async #somethingNew({ waitMs, signal }: ReadEventsOptions): Promise<void> {
    if (signal.aborted || this.#closed) return;
    const woken = new Deferred<void>();
    const wake = (): void => {
      woken.resolve();
    };
    this.#waiting.add(wake);
    using _deadline = onDeadline(waitMs, wake, { unref: true });
    using _link = onAbort(signal, wake);
    await woken.promise;
    this.#waiting.delete(wake);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Where the first entry lies that is newer. Readers are mostly near the end. */
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
