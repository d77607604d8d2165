import type { TurnEvent } from "../protocol.js";
import { initialTurnState, reduceTurn } from "./turn-state.js";
import { type TurnState } from "../results/turn-state.js";

/** Bounds the memory of a long run; folding this many at once costs next to nothing for each. */
const maxRunLength = 1_024;
const maxRunCharacters = 1_048_576;

type TextDelta = Extract<TurnEvent, { params: { itemId: string; delta: string } }>;

/**
 * The state of a turn, kept up to date event by event. A run of deltas that go on with the same
 * text is collected and folded as one, when something else comes or somebody looks: a snapshot for
 * each would cost more than reading and parsing it.
 */
export class TurnProgress {
  #state: TurnState;
  #first: TextDelta | undefined;
  #texts: string[] = [];
  #characters = 0;

  constructor(threadId: string) {
    this.#state = initialTurnState(threadId);
  }

  get state(): TurnState {
    this.#foldRun();
    return this.#state;
  }

  set state(state: TurnState) {
    this.#first = undefined;
    this.#texts = [];
    this.#state = state;
  }

  add(event: TurnEvent): void {
    if (this.#first && continues(this.#first, event) && this.#texts.length < maxRunLength) {
      this.#texts.push(event.params.delta);
      this.#characters += event.params.delta.length;
      if (this.#characters >= maxRunCharacters) this.#foldRun();
      return;
    }
    this.#foldRun();
    if (isTextDelta(event)) {
      this.#first = event;
      this.#texts = [event.params.delta];
      this.#characters = event.params.delta.length;
    } else {
      this.#fold(event);
    }
  }

  #foldRun(): void {
    const first = this.#first;
    if (!first) return;
    const delta = this.#texts.join("");
    this.#first = undefined;
    this.#texts = [];
    this.#fold({ ...first, params: { ...first.params, delta } } as TurnEvent);
  }

  #fold(event: TurnEvent): void {
    try {
      this.#state = reduceTurn(this.#state, event);
    } catch {
      // Known method, unknown shape: there is nothing to learn from it.
    }
  }
}

function isTextDelta(event: TurnEvent): event is TextDelta {
  const params: unknown = event.params;
  if (typeof params !== "object" || params === null) return false;
  const { itemId, delta } = params as { itemId?: unknown; delta?: unknown };
  return typeof itemId === "string" && typeof delta === "string";
}

/** Whether `event` adds to the text that `first` adds to. */
function continues(first: TextDelta, event: TurnEvent): event is TextDelta {
  if (event.method !== first.method || !isTextDelta(event)) return false;
  const one: TextPart = first.params;
  const other: TextPart = event.params;
  return (
    one.itemId === other.itemId &&
    one.summaryIndex === other.summaryIndex &&
    one.contentIndex === other.contentIndex
  );
}

interface TextPart {
  readonly itemId: string;
  readonly summaryIndex?: number;
  readonly contentIndex?: number;
}
