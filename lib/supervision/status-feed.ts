import { onAbort } from "../async/abort.js";
import { EventQueue } from "../async/event-queue.js";

/** A reader that falls behind by more than this misses the oldest. */
const maxWaiting = 100;

/** One value that changes, and whoever follows its changes. */
export class StatusFeed<Status> {
  readonly #queues = new Map<EventQueue<Status>, () => void>();
  #current: Status;
  #ended = false;

  constructor(first: Status) {
    this.#current = first;
  }

  get current(): Status {
    return this.#current;
  }

  publish(status: Status): void {
    if (this.#ended) return;
    this.#current = status;
    for (const queue of this.#queues.keys()) {
      if (queue.size >= maxWaiting) queue.dropOldest();
      queue.push(status);
    }
  }

  /** The last value. */
  end(status: Status): void {
    this.publish(status);
    this.#ended = true;
    for (const queue of [...this.#queues.keys()]) {
      this.#leave(queue);
      queue.end();
    }
  }

  /** The value of this moment, then each new one; it throws the signal's reason. */
  iterate(signal?: AbortSignal): EventQueue<Status> {
    const queue = new EventQueue<Status>(() => {
      this.#leave(queue);
    });
    queue.push(this.#current);
    if (this.#ended) {
      queue.end();
      return queue;
    }
    const unlink = onAbort(signal, (reason) => {
      this.#leave(queue);
      queue.fail(reason);
    });
    this.#queues.set(queue, unlink);
    return queue;
  }

  #leave(queue: EventQueue<Status>): void {
    this.#queues.get(queue)?.();
    this.#queues.delete(queue);
  }
}
