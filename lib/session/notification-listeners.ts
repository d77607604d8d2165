import type { Logger } from "../async/logger.js";
import type { NotificationMessage } from "../jsonrpc/message.js";

type Listener = (message: NotificationMessage) => void;

/** Each call of `on` has a place of its own, also with a listener that is there already. */
interface Registration {
  readonly listener: Listener;
}

/** Who wants to hear of the notifications of one method, whatever thread or turn they are about. */
export class NotificationListeners {
  readonly #logger: Required<Logger>;
  readonly #byMethod = new Map<string, Set<Registration>>();

  constructor(logger: Required<Logger>) {
    this.#logger = logger;
  }

  publish(message: NotificationMessage): void {
    if (this.#byMethod.size === 0) return;
    const registrations = this.#byMethod.get(message.method);
    if (!registrations) return;
    for (const registration of [...registrations]) {
      // One before it may have taken it away.
      if (!registrations.has(registration)) continue;
      try {
        registration.listener(message);
      } catch {
        this.#logger.error(`A listener of ${message.method} threw an error.`);
      }
    }
  }

  /** Returns the function that takes the listener away again. */
  on(method: string, listener: Listener): () => void {
    const registrations = this.#byMethod.get(method) ?? new Set();
    const registration: Registration = { listener };
    this.#byMethod.set(method, registrations.add(registration));
    return () => {
      registrations.delete(registration);
      if (registrations.size === 0 && this.#byMethod.get(method) === registrations) {
        this.#byMethod.delete(method);
      }
    };
  }

  clear(): void {
    for (const registrations of this.#byMethod.values()) registrations.clear();
    this.#byMethod.clear();
  }
}
