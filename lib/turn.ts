import { EventQueue } from "./async/event-queue.js";
import { TurnFailedError, TurnStreamError } from "./errors/turn-errors.js";
import { checkLocalFiles, normalizeInput, type TurnInput } from "./input.js";
import type { TurnEvent } from "./protocol.js";
import type { Connect } from "./host.js";
import { TurnExecution } from "./turns/turn-execution.js";
import { splitTurnOptions, type RunOptions, type TurnOptions } from "./turns/turn-options.js";
import { toTurnResult, type TurnResult } from "./turns/turn-result.js";
import { isItem, type TurnState } from "./turns/turn-state.js";

/**
 * One model execution on a thread, on its way since this handle was made.
 *
 * Iterate it to follow its notifications, call `run()` to wait for its result, or both. Leaving the
 * loop early interrupts the turn and waits for its end (see `onBreak`).
 */
export class Turn implements AsyncIterable<TurnEvent>, AsyncDisposable {
  readonly threadId: string;
  readonly #execution: TurnExecution;
  readonly #queue: EventQueue<TurnEvent>;
  #consumer: "none" | "stream" | "result" = "none";
  #dropped = false;

  /** @internal Use `thread.turn()`. */
  constructor(connect: Connect, threadId: string, input: TurnInput, options: TurnOptions = {}) {
    const items = normalizeInput(input);
    const { controls, settings } = splitTurnOptions(options);
    this.threadId = threadId;
    this.#queue = new EventQueue(async () => {
      if (controls.onBreak !== "detach") await this.#execution.interruptAndWait();
    });
    this.#execution = new TurnExecution(
      connect,
      { threadId, items, controls, settings },
      {
        event: (event) => {
          this.#keep(event);
        },
        ended: (failure) => {
          if (failure) this.#queue.fail(failure());
          else this.#queue.end();
        },
      },
    );
  }

  /** The turn's id, once the server has named it. */
  get id(): string | undefined {
    const { id } = this.#execution.state;
    return id === "" ? undefined : id;
  }

  /**
   * Resolves when the server has accepted the turn and named it; rejects when it never will. Not
   * awaiting it is fine.
   */
  get started(): Promise<{ readonly id: string }> {
    return this.#execution.accepted;
  }

  /** A snapshot of the turn at this moment: items, streamed text, plan, diff, usage. */
  get state(): TurnState {
    return this.#execution.state;
  }

  /** The same as `stream()`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<TurnEvent, undefined> {
    return this.stream();
  }

  /**
   * The turn's notifications from its very start. The iteration ends after `turn/completed`, whose
   * status tells how the turn went; it throws what kept the turn from getting there.
   *
   * @throws TurnStreamError when the turn is consumed already.
   */
  stream(): AsyncIterableIterator<TurnEvent, undefined> {
    if (this.#consumer === "stream") {
      throw new TurnStreamError("This turn is already being iterated; a turn has one consumer.");
    }
    if (this.#dropped) {
      throw new TurnStreamError(
        "run() was called without iterating, so earlier events were not kept. Call stream() first.",
      );
    }
    this.#consumer = "stream";
    return this.#queue;
  }

  /**
   * The assistant's text only, as it comes. Unlike `stream()`, where you see the outcome pass by,
   * it throws a TurnFailedError at the end of a failed turn.
   */
  async *textStream(): AsyncGenerator<string, undefined> {
    const streamed = new Set<string>();
    for await (const event of this.stream()) {
      const text = newText(event, streamed);
      if (text !== undefined) yield text;
    }
    await this.run();
    return undefined;
  }

  /**
   * Waits for the end of the turn and collects its result. It may be called before, beside or
   * after iterating, and more than once.
   *
   * @throws TurnFailedError for a failed turn, unless `throwOnFailure` is false. An interrupted
   * turn has a result, with `status: "interrupted"`.
   * @throws TransportClosedError, TurnTimeoutError, `signal.reason`, or why it could not start.
   */
  async run(options: RunOptions = {}): Promise<TurnResult> {
    if (this.#consumer === "none") this.#consumer = "result";
    await this.#execution.ended;
    const { failure, state } = this.#execution;
    if (failure) throw failure();
    const result = toTurnResult(state);
    if (result.status === "failed" && options.throwOnFailure !== false) {
      throw new TurnFailedError(result);
    }
    return result;
  }

  /**
   * Adds input to the running turn (`turn/steer`), waiting for it to run first. The server then
   * cuts the message that is being streamed, and asks the model again.
   *
   * @throws TurnNotActiveError when the turn has ended, or what kept it from starting.
   */
  async steer(input: TurnInput): Promise<void> {
    const items = normalizeInput(input);
    await checkLocalFiles(items);
    const { threadId } = this;
    const { id } = await this.started;
    await this.#execution.untilRunning();
    await this.#execution.host?.call("turn/steer", { threadId, expectedTurnId: id, input: items });
  }

  /**
   * Stops the turn (`turn/interrupt`), which then ends with `status: "interrupted"`. Resolves when
   * the server has agreed, or the turn has ended anyway. Safe at any time and any number of times;
   * a turn that still waits for its thread is never sent.
   */
  interrupt(): Promise<void> {
    return this.#execution.interrupt();
  }

  /** Interrupts the turn if it still runs, and waits for its end. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#execution.interruptAndWait();
  }

  /** Events are kept for a consumer that may still come, but not beside a lone `run()`. */
  #keep(event: TurnEvent): void {
    if (this.#consumer === "result") {
      this.#queue.clear();
      this.#dropped = true;
    } else {
      this.#queue.push(event);
    }
  }
}

/** The text that an event adds, if any; `streamed` holds the messages that came in pieces so far. */
function newText(event: TurnEvent, streamed: Set<string>): string | undefined {
  switch (event.method) {
    case "item/agentMessage/delta": {
      const { itemId, delta }: { itemId: string; delta: unknown } = event.params;
      streamed.add(itemId);
      return typeof delta === "string" ? delta : undefined;
    }
    case "item/completed": {
      // A message may come whole, without deltas. And what a server sends need not be an item.
      const item: unknown = event.params.item;
      if (!isItem(item) || item.type !== "agentMessage" || streamed.delete(item.id)) return;
      const text: unknown = item.text;
      return typeof text === "string" ? text : undefined;
    }
    default:
      return undefined;
  }
}
