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

class PartIteration implements AsyncIteration<TurnPart> {
  readonly #turn: TurnOfParts;
  readonly #parts: TurnParts;
  readonly #events: AsyncIteration<PartSource>;
  #waiting: readonly TurnPart[] = [];
  #taken = 0;
  /** Calls of `next()` are answered one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #isLeft = false;

  constructor(turn: TurnOfParts, parts: TurnParts) {
    this.#turn = turn;
    this.#parts = parts;
    this.#events = turn.stream({ subagents: true });
  }

  next(): Promise<IteratorResult<TurnPart, undefined>> {
    const result = this.#last.then(() => this.#next());
    this.#last = result.catch(() => undefined);
    return result;
  }

  async return(): Promise<IteratorResult<TurnPart, undefined>> {
    this.#isLeft = true;
    this.#waiting = [];
    await this.#events.return?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<TurnPart, undefined>> {
    while (!this.#isLeft) {
      const part = this.#waiting[this.#taken];
      this.#taken += 1;
      if (part) return { value: part, done: false };
      if (this.#parts.isOver) break;
      this.#taken = 0;
      this.#waiting = await this.#more();
    }
    return { value: undefined, done: true };
  }

  async #more(): Promise<readonly TurnPart[]> {
    try {
      const step = await this.#events.next();
      if (!step.done) {
        const parts = this.#parts.next(step.value);
        return this.#parts.isOver ? await this.#withFailure(parts) : parts;
      }
    } catch (error) {
      return this.#parts.end(endingOf(error));
    }
    // Without `turn/completed` ends a turn that was stopped before it was sent.
    const isInterrupted = this.#turn.state.status === "interrupted";
    return this.#parts.end({ status: isInterrupted ? "interrupted" : "lost" });
  }

  /** A turn that took too long ends like any other that is stopped; what the iteration throws tells why. */
  async #withFailure(parts: readonly TurnPart[]): Promise<readonly TurnPart[]> {
    try {
      await this.#events.next();
      return parts;
    } catch (error) {
      return parts.map((part) =>
        part.type === "end" && !part.origin ? { ...part, ...endingOf(error) } : part,
      );
    }
  }
}
