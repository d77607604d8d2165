import { setImmediate } from "node:timers/promises";
import { Deferred } from "../../async/deferred.js";
import { NamedTimers } from "../../async/named-timers.js";
import type { AsyncIteration } from "../../async/async-iteration.js";
import type { Turn } from "../../index.js";
import type { TurnPart } from "../../parts/turn-part.js";
import type { BatchClock } from "./batch-clock.js";
import type {
  StreamEvent,
  StreamFacts,
  StreamLimits,
  TurnStreamStore,
} from "./turn-stream-store.js";

export interface LiveTurnOptions {
  readonly store: TurnStreamStore;
  readonly limits: StreamLimits;
  /** For how long events are gathered after others were stored. */
  readonly clock: BatchClock;
  /** After how long without a viewer the turn is interrupted (ms); undefined for never. */
  readonly interruptUnwatchedMs: number | undefined;
  /** Gets what goes wrong with the store, or with interrupting an unwatched turn. */
  readonly failed: (error: unknown) => void;
}

/** As much may wait to be stored (characters) before the turn's events wait, too. */
const maxPending = 1_048_576;

/** A turn that runs in this process: it is followed to its end, and what it says is put into the store. */
export class LiveTurn {
  readonly id: string;
  readonly turn: Turn;
  /** Resolves when the store has the stream. Never rejects. */
  readonly created: Promise<void>;
  /** Resolves when the turn is over, and all of it is stored. Never rejects. */
  readonly over: Promise<void>;
  readonly #options: LiveTurnOptions;
  readonly #timers = new NamedTimers<"unwatched">();
  /** The keys of the requests that the turn and its sub-agents have shown. */
  readonly #asked = new Set<string>();
  #viewers = 0;
  #isEnding = false;
  /** Whether the store knows of the end. */
  #isEnded = false;
  #isOver = false;
  #seq = 0;
  #pending: StreamEvent[] = [];
  #pendingLength = 0;
  /** To be told to the store. */
  #turnId: string | undefined;
  /** Leaves the turn, which interrupts it. */
  #leave: () => Promise<void> = () => Promise.resolve();
  #leaving: Promise<void> | undefined;
  /** When something was stored last (ms, on the clock of `performance`). */
  #storedAt = -Infinity;
  /** Ends a pause between two writings. */
  #hurry: (() => void) | undefined;
  /** The writing of what was pending; only one at a time. */
  #writing: Promise<void> | undefined;

  constructor(
    id: string,
    turn: Turn,
    parts: AsyncIteration<TurnPart>,
    facts: StreamFacts,
    options: LiveTurnOptions,
  ) {
    this.id = id;
    this.turn = turn;
    this.#options = options;
    const creating = options.store.create(id, facts, options.limits);
    this.created = creating.catch(() => undefined);
    this.#watchedBy(0);
    this.over = this.#follow(parts, creating);
  }

  /** Whether the turn, or a sub-agent of it, has asked this. */
  hasAsked(key: string): boolean {
    return this.#asked.has(key);
  }

  /** Counts a viewer, until the function that is returned is called. */
  watch(): () => void {
    let isThere = true;
    this.#watchedBy(1);
    return () => {
      if (isThere) this.#watchedBy(-1);
      isThere = false;
    };
  }

  /** Leaving is not stopping, unless the application says so, and then only if nobody comes back. */
  #watchedBy(change: number): void {
    this.#viewers += change;
    this.#timers.stopAll();
    const { interruptUnwatchedMs, failed } = this.#options;
    if (this.#viewers > 0 || this.#isOver || interruptUnwatchedMs === undefined) return;
    this.#timers.set("unwatched", interruptUnwatchedMs, () => {
      this.turn.interrupt().catch(failed);
    });
  }

  async #follow(parts: AsyncIteration<TurnPart>, creating: Promise<void>): Promise<void> {
    this.#leave = async () => {
      await parts.return?.();
    };
    try {
      await creating;
      for await (const part of parts) {
        this.#add(part);
        if (this.#pendingLength > maxPending) await this.#writing;
      }
      await this.#writing;
    } catch (error) {
      await this.#broken(error);
    }
    this.#isOver = true;
    this.#timers.stopAll();
    await this.#end();
    await this.#leaving;
  }

  #add(part: TurnPart): void {
    if (part.type === "request") this.#asked.add(part.key);
    if (part.type === "start" && !part.origin) this.#turnId = part.turnId;
    if (part.type === "end" && !part.origin) this.#isEnding = true;
    this.#seq += 1;
    const event = { seq: this.#seq, type: part.type, data: JSON.stringify(part) };
    this.#pending.push(event);
    this.#pendingLength += event.data.length;
    if (this.#isEnding) this.#hurry?.();
    this.#writing ??= this.#write();
  }

  /**
   * What comes in one go from the server goes in one go to the store, and to each viewer; and what comes so soon
   * behind it that nobody would see a difference, in the next. Never rejects.
   */
  async #write(): Promise<void> {
    const { store } = this.#options;
    try {
      await setImmediate();
      await this.#pause();
      while (this.#pending.length > 0) {
        const [events, turnId] = [this.#pending, this.#turnId];
        this.#pending = [];
        this.#pendingLength = 0;
        this.#turnId = undefined;
        if (turnId !== undefined) await store.nameTurn(this.id, turnId);
        await store.append(this.id, events);
        this.#storedAt = performance.now();
        if (this.#pending.length > 0) await this.#pause();
      }
    } catch (error) {
      await this.#broken(error);
    }
    this.#writing = undefined;
  }

  async #pause(): Promise<void> {
    const { clock } = this.#options;
    if (this.#isEnding || performance.now() - this.#storedAt >= clock.ms) return;
    const over = new Deferred<void>();
    this.#hurry = over.resolve;
    await Promise.race([clock.next(), over.promise]);
  }

  /** A store that fails ends the turn, too: nobody could see it, or answer what it asks. */
  async #broken(error: unknown): Promise<void> {
    const { store, failed } = this.#options;
    failed(error);
    this.#leaving ??= this.#leave().catch(failed);
    this.#seq += 1;
    const event = { seq: this.#seq, type: lost.type, data: JSON.stringify(lost) };
    await store.append(this.id, [event]).catch(failed);
    await this.#end();
  }

  async #end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { store, failed } = this.#options;
    await store.end(this.id).catch(failed);
  }
}

const lost: TurnPart = {
  type: "end",
  status: "lost",
  finalResponse: null,
  usage: null,
  durationMs: null,
  error: {
    code: "STREAM_LOST",
    title: "The turn could not be followed any more, and was stopped. Please try again.",
  },
};
