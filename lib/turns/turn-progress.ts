import type { TokenUsageBreakdown } from "../../generated/types.js";
import type { TurnEvent } from "../protocol.js";
import type { TurnState } from "../results/turn-state.js";
import { TextMerge } from "./text-merge.js";
import { initialTurnState, reduceTurn } from "./turn-state.js";

/**
 * The state of a turn, kept up to date event by event. Deltas that go on with the same text are merged, and
 * folded as one when something else comes or somebody looks: a snapshot for each would cost more than
 * reading and parsing it.
 */
export class TurnProgress {
  #state: TurnState;
  #text: TextMerge<TurnEvent> | undefined;
  /** What the thread had used before the turn, where somebody knows. */
  totalBefore: () => TokenUsageBreakdown | undefined = () => undefined;

  constructor(threadId: string) {
    this.#state = initialTurnState(threadId);
  }

  get state(): TurnState {
    this.#foldText();
    return this.#state;
  }

  set state(state: TurnState) {
    this.#text = undefined;
    this.#state = state;
  }

  add(event: TurnEvent): void {
    if (this.#text?.addText(event) !== undefined) return;
    this.#foldText();
    this.#text = TextMerge.begin(event);
    if (!this.#text) this.#fold(event);
  }

  #foldText(): void {
    const event = this.#text?.toItem();
    this.#text = undefined;
    if (event) this.#fold(event);
  }

  #fold(event: TurnEvent): void {
    try {
      this.#state = reduceTurn(this.#state, event, this.totalBefore());
    } catch {
      // Known method, unknown shape: there is nothing to learn from it.
    }
  }
}
