/** One part of a turn as it is kept: its number within the stream, from 1 on, and the part as JSON. */
export interface StreamEvent {
  readonly seq: number;
  /** The part's `type`. */
  readonly type: string;
  /** The part as JSON, on one line. */
  readonly data: string;
}

/** Whose turn a stream shows. */
export interface StreamFacts {
  /** As it was given to `add()`. */
  readonly owner: string;
  readonly threadId: string;
}

/** A stream as the store knows it. */
export interface StoredStream extends StreamFacts {
  /** The turn's id, once the server has named it. */
  readonly turnId: string | undefined;
  /** Whether the last event is there. */
  readonly ended: boolean;
  /** The number of the newest event; 0 when there is none. */
  readonly last: number;
}

export interface StreamLimits {
  /** How long a stream is kept after its end (ms). */
  readonly retainMs: number;
  /** How much of a stream is kept (bytes of JSON, roughly). */
  readonly maxBytes: number;
}

export interface ReadEventsOptions {
  /** How many bytes of events to give at most, roughly; one event at least. */
  readonly maxBytes: number;
  /** How long to wait for an event when there is none yet (ms). */
  readonly waitMs: number;
  /** Ends the wait; what is read is then empty. */
  readonly signal: AbortSignal;
}

export interface StreamPage {
  /** In order, and each newer than what was asked for. Empty when nothing came in time. */
  readonly events: readonly StreamEvent[];
  /** Whether the stream has ended, and nothing is behind these events. */
  readonly ended: boolean;
}

/**
 * Where turns are kept for their viewers, and whose they are. The default keeps them in this process; one on
 * Redis streams, say, lets viewers follow a turn that another process runs. Check yours with
 * `checkTurnStreamStore()`.
 *
 * Each stream has one writer at a time. It numbers the events, and its calls for one stream come one after the other.
 * When it dies, another one may go on behind the events that are there. Readers come from anywhere, at any time.
 */
export interface TurnStreamStore {
  /** Begins a stream. One that is there already stays as it is: its events, whose it is, and its limits. */
  create(id: string, facts: StreamFacts, limits: StreamLimits): Promise<void>;
  /** Notes the id of the stream's turn. */
  nameTurn(id: string, turnId: string): Promise<void>;
  /**
   * Adds events at the end, and wakes the readers that wait. Events whose number is not above the newest one's are there
   * already, and are left out: a writer that does not know whether it was heard repeats its call. Nothing is added to a
   * stream that has ended.
   */
  append(id: string, events: readonly StreamEvent[]): Promise<void>;
  /** No event comes any more. From now on the stream is kept for `retainMs`. */
  end(id: string): Promise<void>;
  /** Resolves with undefined when there is no such stream, or none any more. */
  find(id: string): Promise<StoredStream | undefined>;
  /**
   * Reads what comes after the event of the number `after`: at once if there is something, else when it
   * comes. A reader that is behind what was dropped gets a `gap` first, and no event twice or out of order.
   * Resolves with undefined when there is no such stream, or none any more.
   */
  read(id: string, after: number, options: ReadEventsOptions): Promise<StreamPage | undefined>;
  /** Notes whose thread it is, unless that is known. Resolves with its owner. */
  ownThread(threadId: string, owner: string): Promise<string>;
  /** The owner of a thread; undefined when it is not known. */
  ownerOf(threadId: string): Promise<string | undefined>;
  /** The newest threads of an owner, the newest first: `limit` of them at most. */
  threadsOf(owner: string, limit: number): Promise<readonly string[]>;
  /** Gives everything back. */
  close(): Promise<void>;
}
