import { Deferred, ignoreRejection } from "../../async/deferred.js";
import type { HarnessStreamPart } from "./harness-types.js";

interface HostReadingOptions {
  /** Gives the host a part, which waits there until the host reads it. */
  readonly emit: (part: HarnessStreamPart) => void;
  readonly onRead: (part: HarnessStreamPart) => void;
}

/**
 * As long as one host reads a turn: what it is given, and what of that it has not read. A host may stop reading without
 * a word, where it asks a person and behind a step that meets its stop condition. It has read a part when it looks what
 * type the part is of.
 */
export class HostReading {
  readonly #options: HostReadingOptions;
  readonly #unread = new Set<HarnessStreamPart>();
  readonly #done = new Deferred<void>();
  #isOpen = true;

  constructor(options: HostReadingOptions) {
    this.#options = options;
    void ignoreRejection(this.#done.promise);
  }

  /** Whether the host is given more. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Settles when the host is given no more. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  get hasReadAll(): boolean {
    return this.#unread.size === 0;
  }

  /** Gives the host a part; one that comes too late for it is left for the next host. */
  give(part: HarnessStreamPart): void {
    this.#unread.add(part);
    if (!this.#isOpen) return;
    const get = (): HarnessStreamPart["type"] => {
      if (this.#unread.delete(part)) this.#options.onRead(part);
      return part.type;
    };
    this.#options.emit(Object.defineProperty({ ...part }, "type", { enumerable: true, get }));
  }

  /** The host is given no more: it reads what it has, and then learns of the error. */
  end(error?: { readonly reason: unknown }): void {
    this.#isOpen = false;
    if (error) this.#done.reject(error.reason);
    else this.#done.resolve();
  }

  /** Takes from the host what it has not read, for another one. */
  takeUnread(): HarnessStreamPart[] {
    const unread = [...this.#unread];
    this.#unread.clear();
    return unread;
  }
}

/**
 * A part that says nothing. HarnessAgent decides with the next part in its hand whether it stops behind a step, and
 * lets that part fall if it does. And a host learns of a failure, which is no part, when it has read all parts.
 */
export function saysNothing(): HarnessStreamPart {
  return { type: "stream-start" };
}
