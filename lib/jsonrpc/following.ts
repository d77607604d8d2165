import { onAbort } from "../async/abort.js";
import type { BacklogRules } from "../async/backlog.js";
import { EventQueue } from "../async/event-queue.js";
import { copyError, TransportClosedError } from "../errors/connection-errors.js";

/**
 * An iteration over what goes on until somebody stops it: the reader leaves the loop, a signal aborts, the
 * connection ends, or too much waits for a slow reader. Whatever ends it, it then gives back what it holds,
 * once. What a slow reader misses, the rules of its backlog say.
 */
export class Following<T> extends EventQueue<T> {
  readonly #held: ((reason: unknown) => void)[] = [];
  #isOver = false;

  /** `onReturn` is called, and waited for, when the reader leaves before the end. */
  constructor(backlog: BacklogRules<T>, onReturn?: () => void | Promise<void>) {
    super(onReturn, backlog);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Calls these functions when the iteration is over, or at once when it is. They get what ended it:
   * undefined when that was the reader, or its natural end.
   */
  holds(...giveBack: readonly ((reason: unknown) => void)[]): void {
    this.#held.push(...giveBack);
    if (this.#isOver) this.#release(undefined);
  }

  /** Is one of `readers` until it is over. */
  joins(readers: Set<this>): void {
    readers.add(this);
    this.holds(() => {
      readers.delete(this);
    });
  }

  /** Fails with the signal's reason when it aborts. */
  stopOn(signal: AbortSignal | undefined): void {
    this.holds(
      onAbort(signal, (reason) => {
        this.fail(reason);
      }),
    );
  }

  /** Ends with the connection, whose end `connection` tells with a TransportClosedError: see `lost`. */
  endWith(connection: AbortSignal): void {
    this.holds(
      onAbort(connection, (reason) => {
        this.lost(reason);
      }),
    );
  }

  /** Closing the client was the caller's wish. No other loss must look like a natural end. */
  lost(reason: unknown): void {
    const own = copyError(reason);
    if (!(own instanceof TransportClosedError) || own.reason.kind !== "closed") {
      this.fail(own);
      return;
    }
    this.#release(own);
    this.end();
  }

  override end(): void {
    this.#release(undefined);
    super.end();
  }

  override fail(reason: unknown): void {
    this.#release(reason);
    super.fail(reason);
  }

  #release(reason: unknown): void {
    this.#isOver = true;
    for (const giveBack of this.#held.splice(0)) giveBack(reason);
  }
}
