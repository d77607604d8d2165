import type { AsyncIteration } from "../../async/async-iteration.js";
import { ignoreRejection } from "../../async/deferred.js";
import type { TurnPart } from "../../parts/turn-part.js";
import { CallBatch } from "./call-batch.js";
import type { HarnessAsk, HarnessAsks } from "./harness-asks.js";
import type { HostReading } from "./host-reading.js";

/**
 * The parts of a turn in their order, but for the calls of the caller's tools that the model makes at once: these come
 * together, and what came behind the first of them comes after them.
 */
export class CollectedParts {
  readonly #parts: AsyncIteration<TurnPart>;
  readonly #asks: HarnessAsks;
  readonly #batch = new CallBatch(() => {
    this.wake();
  });
  #queued: TurnPart[] = [];
  #reading: Promise<IteratorResult<TurnPart, undefined>> | undefined;
  #look: () => void = () => undefined;

  constructor(parts: AsyncIteration<TurnPart>, asks: HarnessAsks) {
    this.#parts = parts;
    this.#asks = asks;
  }

  /** The next part, or calls; undefined when there is something else to do first. */
  async next(host: HostReading): Promise<TurnPart | readonly HarnessAsk[] | undefined> {
    if (this.#batch.isDue) return this.#batch.take();
    if (this.#batch.isEmpty) {
      const queued = this.#queued.shift();
      if (queued) return queued;
    }
    this.#reading ??= this.#parts.next();
    const reading = this.#reading;
    const step = await new Promise<IteratorResult<TurnPart, undefined> | undefined>(
      (resolve, reject) => {
        this.#look = () => {
          if (!host.isOpen || this.#batch.isDue) resolve(undefined);
        };
        this.#look();
        reading.then(resolve, reject);
      },
    );
    // What was read stays there for whoever reads on.
    if (!step || !host.isOpen) return undefined;
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
    void ignoreRejection(Promise.resolve(this.#parts.return?.()));
  }

  #collect(part: TurnPart): TurnPart | undefined {
    const call = part.type === "tool-start" ? this.#asks.callIn(part) : undefined;
    if (part.type === "tool-start" && call) {
      const ask = this.#asks.askOf(part.id, call);
      if (ask) this.#batch.add(ask);
      return undefined;
    }
    if (this.#batch.isEmpty) return part;
    this.#queued.push(part);
    // A call that is over before the host was told of it needs no answer.
    if (part.type === "tool-end" && !part.origin) this.#asks.over(part.id);
    // Nothing more is called.
    if (part.type === "end" && !part.origin) this.#batch.end();
    return undefined;
  }
}
