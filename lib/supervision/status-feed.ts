import { newest } from "../async/backlog.js";
import { Following } from "../jsonrpc/following.js";

/** A reader that falls behind by more than this misses the oldest. */
const maxWaiting = 100;

/** One value that changes, and whoever follows its changes. */
export class StatusFeed<Status> {
  readonly #readers = new Set<Following<Status>>();
  readonly #onChange: ((status: Status) => void) | undefined;
  #current: Status;
  #ended = false;

  /** `onChange` gets each new value; it must not throw. */
  constructor(first: Status, onChange?: (status: Status) => void) {
    this.#current = first;
    this.#onChange = onChange;
  }

  get current(): Status {
    return this.#current;
  }

  publish(status: Status): void {
    if (this.#ended) return;
    this.#current = status;
    this.#onChange?.(status);
    for (const reader of this.#readers) reader.push(status);
  }

  /** The last value. */
  end(status: Status): void {
    this.publish(status);
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
  }

  /** The value of this moment, then each new one; it throws the signal's reason. */
  iterate(signal?: AbortSignal): Following<Status> {
    const reader = new Following<Status>(newest(maxWaiting));
    reader.push(this.#current);
    if (this.#ended) {
      reader.end();
      return reader;
    }
    reader.joins(this.#readers);
    reader.stopOn(signal);
    return reader;
  }
}
