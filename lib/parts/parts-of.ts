import type { AsyncIteration } from "../async/async-iteration.js";
import type { PartOptions } from "./part-options.js";
import { endingOf } from "./turn-problem.js";
import type { TurnPart } from "./turn-part.js";
import { TurnParts, type PartSource } from "./turn-parts.js";

/** What `partsOf()` needs of a turn. */
export interface TurnOfParts {
  stream(options: { subagents: true }): AsyncIteration<PartSource>;
  readonly state: { readonly status: string };
}

/**
 * Iterates a turn as the parts that a user interface needs. The iteration never throws: the last part,
 * `"end"`, says how the turn ended, also when it could not be started, was lost, or when the reader was too
 * slow. Leaving it leaves the turn as leaving `turn.stream()` does (see `onBreak`).
 *
 * ```ts
 * for await (const part of partsOf(thread.turn("Why does the build fail?"), { cwd: "/repo" })) send(part);
 * ```
 *
 * It is the one iteration of the turn; `turn.run()` still gives the result.
 *
 * @throws InvalidArgumentError for options that it does not know.
 * @throws TurnStreamError when the turn is consumed already.
 */
export function partsOf(turn: TurnOfParts, options: PartOptions = {}): AsyncIteration<TurnPart> {
  return new PartIteration(turn, new TurnParts(options));
}

type Step = IteratorResult<TurnPart, undefined>;

const over: Step = { value: undefined, done: true };

/**
 * Written by hand, like the iteration that it reads: leaving a generator would wait for the event that the
 * generator waits for, and each of its steps costs several promises.
 */
class PartIteration implements AsyncIteration<TurnPart> {
  readonly #turn: TurnOfParts;
  readonly #parts: TurnParts;
  readonly #events: AsyncIteration<PartSource>;
  /** The parts of the last event, and how many of them were read. */
  #waiting: readonly TurnPart[] = [];
  #taken = 0;
  #isReading = false;
  /** Calls of `next()` that wait for those before them, the last of which this is. */
  #queued = 0;
  #last: Promise<Step> = Promise.resolve(over);
  #isLeft = false;

  constructor(turn: TurnOfParts, parts: TurnParts) {
    this.#turn = turn;
    this.#parts = parts;
    this.#events = turn.stream({ subagents: true });
  }

  next(): Promise<Step> {
    if (this.#isReading || this.#queued > 0) return this.#queue();
    const part = this.#take();
    if (part) return Promise.resolve(part);
    return (this.#last = this.#read());
  }

  async return(): Promise<Step> {
    this.#isLeft = true;
    await this.#events.return?.();
    return over;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #queue(): Promise<Step> {
    this.#queued += 1;
    return (this.#last = this.#last.then(() => {
      this.#queued -= 1;
      return this.#take() ?? this.#read();
    }));
  }

  #take(): Step | undefined {
    if (this.#isLeft) return over;
    const value = this.#waiting[this.#taken];
    this.#taken += 1;
    return value && { value, done: false };
  }

  #read(): Promise<Step> {
    if (this.#parts.isOver) return Promise.resolve(over);
    this.#isReading = true;
    return this.#events.next().then(this.#took, this.#failed);
  }

  readonly #took = (step: IteratorResult<PartSource, undefined>): Step | Promise<Step> => {
    if (!step.done) {
      const parts = this.#parts.next(step.value);
      return this.#parts.isOver ? this.#withFailure(parts) : this.#give(parts);
    }
    // Without `turn/completed` ends a turn that was stopped before it was sent.
    const isInterrupted = this.#turn.state.status === "interrupted";
    return this.#give(this.#parts.end({ status: isInterrupted ? "interrupted" : "lost" }));
  };

  readonly #failed = (error: unknown): Step | Promise<Step> =>
    this.#give(this.#parts.end(endingOf(error)));

  #give(parts: readonly TurnPart[]): Step | Promise<Step> {
    this.#isReading = false;
    this.#waiting = parts;
    this.#taken = 0;
    return this.#take() ?? this.#read();
  }

  /** A turn that took too long ends like any other that is stopped; what the iteration throws tells why. */
  #withFailure(parts: readonly TurnPart[]): Promise<Step> {
    const failed = (error: unknown): readonly TurnPart[] => {
      const ending = endingOf(error);
      return parts.map((part) =>
        part.type === "end" && !part.origin ? { ...part, ...ending } : part,
      );
    };
    return this.#events
      .next()
      .then(() => parts, failed)
      .then((last) => this.#give(last));
  }
}
