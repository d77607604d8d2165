import { tracingChannel, type TracingChannel } from "node:diagnostics_channel";
import type { TracedOperation } from "./operation.js";

/**
 * One of this library's tracing channels. Whoever has an operation asks `isOn` first: while nobody
 * subscribes, nothing is built. An operation begins once and ends once, and it is the same object in all
 * of its events.
 */
export class Tracing<Operation extends TracedOperation> {
  readonly #channel: TracingChannel<unknown, Operation>;
  /** The operations whose `start` is being published, and how those have ended that are over by then. */
  readonly #beginning = new Map<Operation, (() => void) | undefined>();

  constructor(name: string) {
    this.#channel = tracingChannel<unknown, Operation>(name);
  }

  /** Whether anybody listens. `TracingChannel.hasSubscribers` would say the same; not every runtime has it. */
  get isOn(): boolean {
    const { start, end, asyncStart, asyncEnd, error } = this.#channel;
    return (
      start.hasSubscribers ||
      asyncEnd.hasSubscribers ||
      end.hasSubscribers ||
      asyncStart.hasSubscribers ||
      error.hasSubscribers
    );
  }

  /** Publishes `start`, calls `run` in the contexts that subscribers give it, and publishes `end`. */
  begin<Result>(operation: Operation, run: () => Result): Result {
    const { start, end } = this.#channel;
    this.#beginning.set(operation, undefined);
    try {
      return start.runStores(operation, () => operation.carryOut(run));
    } finally {
      end.publish(operation);
      const publishEnd = this.#beginning.get(operation);
      this.#beginning.delete(operation);
      publishEnd?.();
    }
  }

  /** The same for what others carry out. */
  begun(operation: Operation): void {
    this.begin(operation, () => undefined);
  }

  /**
   * Publishes the end of an operation that has begun, with why it failed, if it has, and of which type that is where
   * it has a better name than its error.
   */
  ended(operation: Operation, failure?: { readonly error: unknown; readonly type?: string }): void {
    if (failure) operation.failed(failure.error, failure.type);
    const publish = (): void => {
      const { error, asyncStart, asyncEnd } = this.#channel;
      if (failure) error.publish(operation);
      asyncStart.publish(operation);
      asyncEnd.publish(operation);
    };
    if (this.#beginning.has(operation)) this.#beginning.set(operation, publish);
    else publish();
  }

  /** Carries out a whole operation. Rejects with what `run` rejects with. */
  async during<Result>(
    operation: Operation,
    run: () => Promise<Result>,
    answered?: (result: Result) => void,
  ): Promise<Result> {
    let result: Result;
    try {
      result = await this.begin(operation, run);
    } catch (error) {
      this.ended(operation, { error });
      throw error;
    }
    answered?.(result);
    this.ended(operation);
    return result;
  }
}
