import type { TurnEvent } from "../protocol.js";
import type { FoundTurn } from "./start-place.js";
import type { TurnStart } from "./start-place.js";
import type { TurnState } from "../results/turn-state.js";

/**
 * Under which ids the server knows a turn. A review has two: one in its answer and its events, and
 * another in `turn/started`, which is the one to interrupt it by. Callers see the first only.
 */
export class TurnIdentity {
  /**
   * The id that callers see; empty until the server has named the turn. It is in the turn's state,
   * too, but to look there at every event would end each run of deltas.
   */
  id = "";
  readonly #isReview: boolean | undefined;
  #running: string | undefined;

  constructor(start: TurnStart | FoundTurn) {
    this.#isReview = "send" in start ? start.method === "review/start" : undefined;
  }

  /** The id to interrupt the turn by; undefined until the server has said that it runs. */
  get running(): string | undefined {
    return this.#running;
  }

  /** Whether a `turn/started` with an unknown id is this turn's. */
  adoptsStart({ items, openItems }: TurnState): boolean {
    if (this.#running !== undefined) return false;
    return (
      this.#isReview ?? [...items, ...openItems].some(({ type }) => type === "enteredReviewMode")
    );
  }

  /** The event as callers see it. */
  translate(event: TurnEvent): TurnEvent {
    if (event.method !== "turn/started") return event;
    const { id } = this;
    const { params } = event;
    this.#running = params.turn.id;
    if (this.#running === id) return event;
    return { ...event, params: { ...params, turn: { ...params.turn, id } } };
  }
}
