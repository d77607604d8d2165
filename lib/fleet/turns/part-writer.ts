import { Deferred } from "../../async/deferred.js";
import { onAbort } from "../../async/abort.js";
import { settleWithin } from "../../async/timers.js";
import type { StreamEvent, TurnStreamStore } from "../../http/index.js";
import type { TurnPart } from "../../parts/turn-part.js";
import { HandedOverError } from "./handed-over-error.js";
import { isTaken } from "./store-trouble.js";

/** As much may wait to be stored (characters) before the turn's events wait, too: while the store is away, say. */
const maxPending = 16 * 1_048_576;
const firstPauseMs = 100;
const longestPauseMs = 5_000;

export interface PartWriterOptions {
  /** As this worker has it: it refuses what is written when another worker has begun to write. */
  readonly store: TurnStreamStore;
  readonly id: string;
  /** The number of the newest event that the store has. */
  readonly last: number;
  /** For how long parts are gathered after others were stored (ms). */
  readonly batchMs: number;
  /** Ends the writing. */
  readonly signal: AbortSignal;
  readonly failed: (error: unknown) => void;
}

/**
 * Writes what a turn says into its stream. While the store is away, parts wait here, and are written when it is back;
 * once another worker has the turn, nothing is written any more.
 */
export class PartWriter {
  readonly #options: PartWriterOptions;
  #seq: number;
  #pending: StreamEvent[] = [];
  #pendingLength = 0;
  #writing: Promise<void> | undefined;
  #isEnding = false;
  #hurry: (() => void) | undefined;
  #room: Deferred<void> | undefined;
  #turnId: string | undefined;

  constructor(options: PartWriterOptions) {
    this.#options = options;
    this.#seq = options.last;
  }

  /** The number of the newest part, stored or not. */
  get last(): number {
    return this.#seq;
  }

  /** Resolves when there is room for another part. Rejects with a HandedOverError. */
  async add(part: TurnPart): Promise<void> {
    if (part.type === "start" && !part.origin) this.#turnId = part.turnId;
    this.#seq += 1;
    const event = { seq: this.#seq, type: part.type, data: JSON.stringify(part) };
    this.#pending.push(event);
    this.#pendingLength += event.data.length;
    this.#begin();
    if (this.#pendingLength <= maxPending) return;
    this.#room ??= new Deferred<void>();
    await Promise.race([this.#room.promise, this.#writing]);
  }

  /** Resolves when all is stored. Rejects with a HandedOverError. */
  async flush(): Promise<void> {
    this.#isEnding = true;
    this.#hurry?.();
    while (this.#writing ?? this.#pending.length > 0) {
      this.#begin();
      await this.#writing;
    }
  }

  #begin(): void {
    if (this.#writing) return;
    this.#writing = this.#write();
    // Whoever flushes hears of it.
    this.#writing.catch(() => undefined);
  }

  async #write(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.#pending.length > 0) {
        await this.#store();
        // What comes soon behind it goes in one go, too.
        await this.#pause(this.#options.batchMs);
      }
    } finally {
      // In the same step as the last look: what is added behind it begins anew.
      this.#writing = undefined;
    }
  }

  /** Stores all that is pending now, however long that takes. The store drops what it has already. */
  async #store(): Promise<void> {
    const { store, id, failed } = this.#options;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      this.#throwIfOver();
      try {
        const [events, turnId] = [[...this.#pending], this.#turnId];
        if (turnId !== undefined) await store.nameTurn(id, turnId);
        if (events.length > 0) await store.append(id, events);
        if (this.#turnId === turnId) this.#turnId = undefined;
        this.#pending = this.#pending.slice(events.length);
        this.#counted();
        return;
      } catch (error) {
        if (isTaken(error)) throw new HandedOverError();
        failed(error);
        await this.#wait(pauseMs);
      }
    }
  }

  #counted(): void {
    this.#pendingLength = this.#pending.reduce((sum, { data }) => sum + data.length, 0);
    if (this.#pendingLength > maxPending) return;
    this.#room?.resolve();
    this.#room = undefined;
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isEnding || ms === 0) return;
    const over = new Deferred<void>();
    this.#hurry = over.resolve;
    await this.#wait(ms, over.promise);
    this.#hurry = undefined;
  }

  async #wait(ms: number, wake = new Deferred<void>().promise): Promise<void> {
    const stopped = new Deferred<void>();
    using _link = onAbort(this.#options.signal, () => {
      stopped.resolve();
    });
    await settleWithin(Promise.race([wake, stopped.promise]), ms);
    this.#throwIfOver();
  }

  #throwIfOver(): void {
    if (this.#options.signal.aborted) throw new HandedOverError();
  }
}
