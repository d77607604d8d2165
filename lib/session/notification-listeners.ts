import type { Logger } from "../async/logger.js";
import type { NotificationMessage } from "../jsonrpc/message.js";

type Listener = (message: NotificationMessage) => void;

/** Who wants to hear of the notifications of one method, whatever thread or turn they are about. */
export class NotificationListeners {
  readonly #logger: Required<Logger>;
  readonly #byMethod = new Map<string, Set<Listener>>();

  constructor(logger: Required<Logger>) {
    this.#logger = logger;
  }

  get isEmpty(): boolean {
    return this.#byMethod.size === 0;
  }

  publish(message: NotificationMessage): void {
    if (this.#byMethod.size === 0) return;
    const listeners = this.#byMethod.get(message.method);
    if (!listeners) return;
    for (const listener of [...listeners]) {
      // One before it may have taken it away.
      if (!listeners.has(listener)) continue;
      try {
        listener(message);
      } catch {
        this.#logger.error(`A listener of ${message.method} threw an error.`);
      }
    }
  }

  /** Returns the function that takes the listener away again. */
  on(method: string, listener: Listener): () => void {
    const listeners = this.#byMethod.get(method) ?? new Set();
    // Each call has a place of its own, also with a listener that is there already.
    const own: Listener = (message) => {
      listener(message);
    };
    this.#byMethod.set(method, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#byMethod.get(method) === listeners) {
        this.#byMethod.delete(method);
      }
    };
  }

  clear(): void {
    for (const listeners of this.#byMethod.values()) listeners.clear();
    this.#byMethod.clear();
  }
}
