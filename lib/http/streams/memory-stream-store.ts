import { BoundedMap } from "../../async/bounded-map.js";
import { NamedTimers } from "../../async/named-timers.js";
import { TurnLog } from "./turn-log.js";
import type {
  ReadEventsOptions,
  StoredStream,
  StreamEvent,
  StreamFacts,
  StreamLimits,
  StreamPage,
  TurnStreamStore,
} from "./turn-stream-store.js";

/** As many threads are remembered; of the oldest the owner is forgotten, and nobody may use them here. */
const maxThreads = 100_000;

interface Kept {
  readonly facts: StreamFacts;
  readonly limits: StreamLimits;
  readonly log: TurnLog;
  turnId: string | undefined;
}

/**
 * Keeps streams in this process. They are gone when it ends, and so are the owners of threads: an
 * application that runs for longer tells them again with `ownThread()`, from its database.
 */
export class MemoryStreamStore implements TurnStreamStore {
  readonly #streams = new Map<string, Kept>();
  readonly #owners = new BoundedMap<string, string>(maxThreads);
  readonly #expiry = new NamedTimers<string>();

  /** How much is kept of all streams together (bytes, roughly). */
  get bytes(): number {
    return [...this.#streams.values()].reduce((sum, { log }) => sum + log.bytes, 0);
  }

  /** How many streams are kept. */
  get size(): number {
    return this.#streams.size;
  }

  create(id: string, facts: StreamFacts, limits: StreamLimits): Promise<void> {
    if (this.#streams.has(id)) return Promise.resolve();
    const log = new TurnLog(limits.maxBytes);
    this.#streams.set(id, { facts, limits, log, turnId: undefined });
    return Promise.resolve();
  }

  nameTurn(id: string, turnId: string): Promise<void> {
    const stream = this.#streams.get(id);
    if (stream) stream.turnId = turnId;
    return Promise.resolve();
  }

  append(id: string, events: readonly StreamEvent[]): Promise<void> {
    this.#streams.get(id)?.log.append(events);
    return Promise.resolve();
  }

  end(id: string): Promise<void> {
    const stream = this.#streams.get(id);
    if (stream && !stream.log.ended) {
      stream.log.end();
      this.#expiry.set(id, stream.limits.retainMs, () => {
        this.#streams.delete(id);
        stream.log.close();
      });
    }
    return Promise.resolve();
  }

  find(id: string): Promise<StoredStream | undefined> {
    const stream = this.#streams.get(id);
    if (!stream) return Promise.resolve(undefined);
    const { facts, turnId, log } = stream;
    return Promise.resolve({ ...facts, turnId, ended: log.ended, last: log.last });
  }

  read(id: string, after: number, options: ReadEventsOptions): Promise<StreamPage | undefined> {
    return this.#streams.get(id)?.log.read(after, options) ?? Promise.resolve(undefined);
  }

  ownThread(threadId: string, owner: string): Promise<string> {
    const known = this.#owners.get(threadId);
    if (known === undefined) this.#owners.set(threadId, owner);
    return Promise.resolve(known ?? owner);
  }

  ownerOf(threadId: string): Promise<string | undefined> {
    return Promise.resolve(this.#owners.get(threadId));
  }

  threadsOf(owner: string, limit: number): Promise<readonly string[]> {
    const own: string[] = [];
    for (const [threadId, theirs] of this.#owners) if (theirs === owner) own.push(threadId);
    return Promise.resolve(own.reverse().slice(0, limit));
  }

  close(): Promise<void> {
    this.#expiry.stopAll();
    for (const { log } of this.#streams.values()) log.close();
    this.#streams.clear();
    return Promise.resolve();
  }
}
