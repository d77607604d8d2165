import type { ThreadItem, UserInput } from "../../generated/types.js";
import type { Failure } from "../async/life.js";
import { itemTracing, turnTracing } from "../diagnostics/channels.js";
import { TracedItem } from "../diagnostics/item-operation.js";
import { TracedTurn, type TurnBeginning, type TurnContent } from "../diagnostics/turn-operation.js";
import { textOf } from "../messages/field-of.js";
import type { TurnEvent } from "../protocol.js";
import { readReason } from "../results/turn-failure-reason.js";
import type { TurnState } from "../results/turn-state.js";
import { TurnFailedError } from "./turn-errors.js";
import { finalResponse, toTurnResult } from "./turn-result.js";
import { isItem } from "./turn-state.js";

/** Bounds what is kept of a server that begins items and completes none. */
const maxOpenItems = 1_024;

/** Whether anybody wants to hear of turns or items. */
export function isTurnTraced(): boolean {
  return turnTracing.isOn || itemTracing.isOn;
}

/** Shows a turn that is followed, and its items, on their tracing channels. */
export class TurnTrace {
  readonly operation: TracedTurn;
  /** The items that have begun and not completed, by type and id. */
  readonly #items = new Map<string, TracedItem>();
  #isOver = false;

  constructor(beginning: TurnBeginning) {
    this.operation = new TracedTurn(beginning);
  }

  /** Publishes the start of the turn; `run` is called in the context that subscribers have bound to it. */
  begin<Result>(run: () => Result): Result {
    return turnTracing.begin(this.operation, run);
  }

  observe(event: TurnEvent): void {
    switch (event.method) {
      case "item/started":
        if (isItem(event.params.item)) this.#started(event.params.item);
        break;
      case "item/completed":
        if (isItem(event.params.item)) this.#completed(event.params.item);
        break;
      case "model/rerouted":
        this.operation.model = textOf(event.params, "toModel") ?? this.operation.model;
    }
  }

  /** The turn is over, or not followed any more. */
  ended(state: TurnState, failure?: Failure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const item of this.#items.values()) itemTracing.ended(item);
    this.#items.clear();
    const { operation } = this;
    operation.status = state.status;
    operation.usage = state.usage?.turn;
    const hasFailed = state.status === "failed";
    if (failure) turnTracing.ended(operation, { error: failure() });
    else if (hasFailed) turnTracing.ended(operation, failureOf(state));
    else turnTracing.ended(operation);
  }

  #started(item: ThreadItem): void {
    const key = keyOf(item);
    const before = this.#items.get(key);
    if (before) itemTracing.ended(before);
    if (!before && this.#items.size >= maxOpenItems) return;
    const operation = new TracedItem(this.operation, item);
    this.#items.set(key, operation);
    itemTracing.begun(operation);
  }

  #completed(item: ThreadItem): void {
    const key = keyOf(item);
    let operation = this.#items.get(key);
    if (operation) {
      this.#items.delete(key);
    } else {
      // Its start was missed.
      operation = new TracedItem(this.operation, item);
      itemTracing.begun(operation);
    }
    operation.complete(item);
    itemTracing.ended(operation);
  }
}

/** What a turn was asked, and has said by now. */
export function contentOf(
  input: readonly UserInput[] | undefined,
  state: TurnState | undefined,
): TurnContent {
  const items = state?.items ?? [];
  return { input, items, finalResponse: finalResponse(items) };
}

function failureOf(state: TurnState): { error: unknown; type: string } {
  const error = new TurnFailedError(toTurnResult(state));
  return { error, type: readReason(state.error?.codexErrorInfo ?? null) };
}

function keyOf({ type, id }: ThreadItem): string {
  return `${type} ${id}`;
}
