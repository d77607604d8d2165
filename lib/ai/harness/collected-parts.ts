import type { AsyncIteration } from "../../async/async-iteration.js";
import { ignoreRejection } from "../../async/deferred.js";
import type { TurnPart } from "../../parts/turn-part.js";
import { CallBatch } from "./call-batch.js";
import type { HarnessAsk } from "./harness-asks.js";

interface CollectedPartsOptions {
  readonly parts: AsyncIteration<TurnPart>;
  /** The ask of a call of the caller's tools; undefined for any other part. */
  readonly askOf: (part: TurnPart) => HarnessAsk | "answered" | undefined;
  /** A call is over that may not have been told yet. */
  readonly onOver: (id: string) => void;
}

/**
 * The parts of a turn in their order, but for the calls of the caller's tools that the model makes at once: these come
 * together, and what came behind the first of them comes after them.
 */
export class CollectedParts {
  readonly #options: CollectedPartsOptions;
  readonly #batch = new CallBatch(() => {
    this.wake();
  });
  #queued: TurnPart[] = [];
  #reading: Promise<IteratorResult<TurnPart, undefined>> | undefined;
  #look: () => void = () => undefined;

  constructor(options: CollectedPartsOptions) {
    this.#options = options;
  }

  /** The next part, or calls; undefined when there is something else to do first. `isWanted` is asked with each wake. */
  async next(isWanted: () => boolean): Promise<TurnPart | readonly HarnessAsk[] | undefined> {
    if (this.#batch.isDue) return this.#batch.take();
    if (this.#batch.isEmpty) {
      const queued = this.#queued.shift();
      if (queued) return queued;
    }
    this.#reading ??= this.#options.parts.next();
    const reading = this.#reading;
    const step = await new Promise<IteratorResult<TurnPart, undefined> | undefined>(
      (resolve, reject) => {
        this.#look = () => {
          if (!isWanted() || this.#batch.isDue) resolve(undefined);
        };
        this.#look();
        reading.then(resolve, reject);
      },
    );
    // What was read stays there for whoever reads on.
    if (!step || !isWanted()) return undefined;
    this.#reading = undefined;
    if (step.done === true) throw new Error("The turn has ended before its end was told.");
    return this.#collect(step.value);
  }

  /** Something has changed for whoever waits for the next part. */
  wake(): void {
    this.#look();
  }

  /** Nobody reads any more. */
  stop(): void {
    void ignoreRejection(Promise.resolve(this.#options.parts.return?.()));
  }

  #collect(part: TurnPart): TurnPart | undefined {
    const ask = this.#options.askOf(part);
    if (ask !== undefined) {
      if (ask !== "answered") this.#batch.add(ask);
      return undefined;
    }
    if (this.#batch.isEmpty) return part;
    this.#queued.push(part);
    // A call that is over before the host was told of it needs no answer.
    if (part.type === "tool-end" && !part.origin) this.#options.onOver(part.id);
    // Nothing more is called.
    if (part.type === "end" && !part.origin) this.#batch.end();
    return undefined;
  }
}
