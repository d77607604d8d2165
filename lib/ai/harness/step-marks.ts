import type { ToldState } from "./told-parts.js";
import type { HarnessStreamPart } from "./harness-types.js";

/**
 * Under this symbol `HarnessAgent` looks for a function on the end of a step, and calls it when it has read the step and
 * may stop there. It calls what that returns when it goes on, or has stopped.
 */
const checkpoint = Symbol.for("vercel.ai.harness.sandboxChannelEventCheckpoint");

/** What was told behind a place where the host may have stopped reading. */
interface Mark {
  /** What the host had been told by then. */
  readonly told: ToldState | undefined;
  readonly parts: HarnessStreamPart[];
  next: Mark | undefined;
}

/** What a host drops that has stopped reading. */
export interface DroppedParts {
  readonly told: ToldState | undefined;
  readonly parts: readonly HarnessStreamPart[];
}

/**
 * The places of a turn where a host may stop reading without a word, and what was told behind each: whoever goes on is
 * told that again. One is the end of a step, where a host that has a stop condition reads slower than it is told. The
 * other is something that it was asked, and that is over without its answer.
 */
export class StepMarks {
  readonly #toldBefore = new WeakMap<HarnessStreamPart, ToldState>();
  /** The last of them; undefined before the first. */
  #latest: Mark | undefined;
  /** The step behind which the host may stop. */
  #pinned: Mark | undefined;
  /** What the host was asked, and may have stopped at. */
  #asked: Mark | undefined;

  /** The end of a step, by which the host was told so much. */
  end(part: HarnessStreamPart, told: ToldState): HarnessStreamPart {
    this.#toldBefore.set(part, told);
    return part;
  }

  /** Whether the host may have read nothing behind something that it was asked. */
  get mayHaveStopped(): boolean {
    return this.#asked !== undefined;
  }

  /** The host does not have to answer any more, and had been told so much when it was asked. */
  markAsked(told: ToldState): void {
    this.#asked ??= this.#mark(told);
  }

  /** To be called with all that the host is told, in order. */
  add(part: HarnessStreamPart): void {
    this.#latest?.parts.push(part);
    if (part.type !== "finish-step") return;
    // One that is told again is the end of a step again.
    const step = this.#mark(this.#toldBefore.get(part));
    const pin = (): (() => void) => {
      this.#pinned = step;
      // It reads.
      this.#asked = undefined;
      return () => {
        if (this.#pinned === step) this.#pinned = undefined;
      };
    };
    Object.defineProperty(part, checkpoint, { value: { pin }, configurable: true });
  }

  /** What the host drops, if it has stopped. */
  takeDropped(): DroppedParts | undefined {
    const mark = this.#pinned ?? this.#asked;
    if (!mark) return undefined;
    this.#pinned = undefined;
    this.#asked = undefined;
    this.#latest = undefined;
    const parts: HarnessStreamPart[] = [];
    for (let each: Mark | undefined = mark; each; each = each.next) parts.push(...each.parts);
    return { told: mark.told, parts };
  }

  #mark(told: ToldState | undefined): Mark {
    const mark: Mark = { told, parts: [], next: undefined };
    if (this.#latest) this.#latest.next = mark;
    this.#latest = mark;
    return mark;
  }
}
