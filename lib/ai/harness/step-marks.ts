import type { ToldState } from "./told-parts.js";
import type { HarnessStreamPart } from "./harness-types.js";

/**
 * Under this symbol `HarnessAgent` looks for a function on the end of a step, and calls it when it has read the step and
 * may stop there. It calls what that returns when it goes on, or has stopped.
 */
const checkpoint = Symbol.for("vercel.ai.harness.sandboxChannelEventCheckpoint");

/** What was told behind the end of a step. */
interface Step {
  /** What the host had been told by that end. */
  readonly told: ToldState | undefined;
  readonly parts: HarnessStreamPart[];
  next: Step | undefined;
}

/** What a host drops that stops behind a step. */
export interface DroppedParts {
  readonly told: ToldState | undefined;
  readonly parts: readonly HarnessStreamPart[];
}

/**
 * The ends of a turn's steps, and what was told behind each. A host that has a stop condition reads slower than it is
 * told; when it stops behind a step, whoever goes on is told again what came behind that.
 */
export class StepMarks {
  readonly #toldBefore = new WeakMap<HarnessStreamPart, ToldState>();
  #latest: Step = { told: undefined, parts: [], next: undefined };
  /** The step behind which the host may stop. */
  #pinned: Step | undefined;

  /** The end of a step, by which the host was told so much. */
  end(part: HarnessStreamPart, told: ToldState): HarnessStreamPart {
    this.#toldBefore.set(part, told);
    return part;
  }

  /** To be called with all that the host is told, in order. */
  add(part: HarnessStreamPart): void {
    if (part.type !== "finish-step") {
      this.#latest.parts.push(part);
      return;
    }
    // One that is told again is the end of a step again.
    const step: Step = { told: this.#toldBefore.get(part), parts: [], next: undefined };
    this.#latest.parts.push(part);
    this.#latest.next = step;
    this.#latest = step;
    const pin = (): (() => void) => {
      this.#pinned = step;
      return () => {
        if (this.#pinned === step) this.#pinned = undefined;
      };
    };
    Object.defineProperty(part, checkpoint, { value: { pin }, configurable: true });
  }

  /** What the host drops, if it stops now behind a step that it has read. */
  takeDropped(): DroppedParts | undefined {
    const pinned = this.#pinned;
    if (!pinned) return undefined;
    this.#pinned = undefined;
    this.#latest = { told: undefined, parts: [], next: undefined };
    const parts: HarnessStreamPart[] = [];
    for (let step: Step | undefined = pinned; step; step = step.next) parts.push(...step.parts);
    return { told: pinned.told, parts };
  }
}
