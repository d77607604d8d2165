import type { NotificationMessage } from "./message.js";
import type { Unclaimed } from "./unclaimed-events.js";

/** More than a sub-agent can do before it is named; a bound for servers that never name one. */
const maxEvents = 10_000;

/** Events of threads that nothing is known of, kept only while somebody expects such a thread. */
export class StrayEvents {
  readonly #events = new Map<string, Unclaimed[]>();
  #expecting = 0;
  #size = 0;

  /** Returns what ends it; calling that again does nothing. */
  open(): () => void {
    let isOpen = true;
    this.#expecting += 1;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#expecting -= 1;
      if (this.#expecting > 0) return;
      this.#events.clear();
      this.#size = 0;
    };
  }

  keep(threadId: string, turnId: string, message: NotificationMessage): void {
    if (this.#expecting === 0 || this.#size >= maxEvents) return;
    this.#size += 1;
    const events = this.#events.get(threadId);
    if (events) events.push({ turnId, message });
    else this.#events.set(threadId, [{ turnId, message }]);
  }

  take(threadId: string): readonly Unclaimed[] {
    const events = this.#events.get(threadId) ?? [];
    this.#events.delete(threadId);
    this.#size -= events.length;
    return events;
  }
}
