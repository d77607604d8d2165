import { pause } from "../../async/timers.js";
import { checkOptions } from "../../errors/check-options.js";
import { checkFields, type Rule } from "../../errors/check-values.js";
import type { StreamEvent, StreamFacts, StreamLimits, TurnStreamStore } from "../../http/index.js";
import { isAppServerError } from "../../index.js";

export interface PatientStreamsOptions {
  /** For how long a write is repeated (ms; default 10 minutes; `Infinity`: until the store is closed). */
  readonly giveUpMs?: number | undefined;
}

/** The pause before a write is repeated (ms), which doubles up to the longest. */
const firstPauseMs = 50;
const longestPauseMs = 2_000;

const time: Rule = {
  fits: (value) => typeof value === "number" && value >= 0,
  problem: "must be a number of milliseconds, 0 or more, or Infinity",
};

/**
 * The streams of a store for writers that outlast its database: while that is away, what they write waits, and is written
 * when it is back. Nothing is written twice, since `append()` leaves out what is there. Readers are told at once that the
 * database is away, as before.
 *
 * ```ts
 * const streams = new TurnStreams({ authorize, store: patientStreams(store.streams) });
 * ```
 *
 * @throws InvalidArgumentError
 */
export function patientStreams(
  streams: TurnStreamStore,
  options: PatientStreamsOptions = {},
): TurnStreamStore {
  checkOptions("patientStreams()", options, { giveUpMs: true });
  checkFields(options, { giveUpMs: time });
  return new PatientStreams(streams, options.giveUpMs ?? 600_000);
}

class PatientStreams implements TurnStreamStore {
  readonly #streams: TurnStreamStore;
  readonly #giveUpMs: number;
  readonly #over = new AbortController();

  readonly find: TurnStreamStore["find"];
  readonly read: TurnStreamStore["read"];
  readonly ownThread: TurnStreamStore["ownThread"];
  readonly ownerOf: TurnStreamStore["ownerOf"];
  readonly threadsOf: TurnStreamStore["threadsOf"];

  constructor(streams: TurnStreamStore, giveUpMs: number) {
    this.#streams = streams;
    this.#giveUpMs = giveUpMs;
    this.find = streams.find.bind(streams);
    this.read = streams.read.bind(streams);
    this.ownThread = (threadId, owner) => this.#persist(() => streams.ownThread(threadId, owner));
    this.ownerOf = streams.ownerOf.bind(streams);
    this.threadsOf = streams.threadsOf.bind(streams);
  }

  create(id: string, facts: StreamFacts, limits: StreamLimits): Promise<void> {
    return this.#persist(() => this.#streams.create(id, facts, limits));
  }

  nameTurn(id: string, turnId: string): Promise<void> {
    return this.#persist(() => this.#streams.nameTurn(id, turnId));
  }

  append(id: string, events: readonly StreamEvent[]): Promise<void> {
    return this.#persist(() => this.#streams.append(id, events));
  }

  end(id: string): Promise<void> {
    return this.#persist(() => this.#streams.end(id));
  }

  close(): Promise<void> {
    this.#over.abort();
    return this.#streams.close();
  }

  async #persist<Result>(write: () => Promise<Result>): Promise<Result> {
    const { signal } = this.#over;
    const until = performance.now() + this.#giveUpMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        return await write();
      } catch (error) {
        const isAway = isAppServerError(error) && error.code === "STORE_UNAVAILABLE";
        if (!isAway || signal.aborted || performance.now() >= until) throw error;
        await pause(pauseMs, signal).catch(() => undefined);
      }
    }
  }
}
