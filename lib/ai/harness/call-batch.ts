import { onDeadline } from "../../async/deadline.js";
import { nothingToUndo, type Undo } from "../../async/undo.js";
import type { HarnessAsk } from "./harness-asks.js";

/**
 * How long after a call of the caller's tools others are awaited (ms). Calls that the model makes at once come one after
 * the other, as it writes them, and the server does not say which is the last.
 */
const settleMs = 100;

/** Calls of the caller's tools that the model makes at once, which the host is told together. */
export class CallBatch {
  readonly #onDue: () => void;
  #asks: HarnessAsk[] = [];
  #isDue = false;
  #stopWaiting: Undo = nothingToUndo;

  /** `onDue`: those that there are, are all that there will be for now. */
  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  get isEmpty(): boolean {
    return this.#asks.length === 0;
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  add(ask: HarnessAsk): void {
    this.#asks.push(ask);
    this.#stopWaiting();
    this.#stopWaiting = onDeadline(settleMs, () => {
      this.end();
    });
  }

  /** No more come. */
  end(): void {
    this.#stopWaiting();
    this.#isDue = true;
    this.#onDue();
  }

  take(): readonly HarnessAsk[] {
    const asks = this.#asks;
    this.#asks = [];
    this.#isDue = false;
    return asks;
  }
}
