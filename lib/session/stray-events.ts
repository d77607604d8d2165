import type { BacklogBudget, Drop } from "../async/backlog-budget.js";
import { roughBytes } from "../async/rough-bytes.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import type { Unclaimed } from "./unclaimed-events.js";

/** More than a sub-agent can do before it is named; a bound for servers that never name one (bytes, roughly). */
const maxBytes = 16_777_216;

interface Stray extends Unclaimed {
  readonly bytes: number;
}

/**
 * Events of threads that nothing is known of, kept only while somebody expects such a thread. When
 * there are too many, those of the thread that has waited longest are dropped: the one that is
 * expected has only just begun.
 */
export class StrayEvents {
  readonly #events = new Map<string, Stray[]>();
  readonly #drop: Drop = () => {
    this.#clear();
  };
  readonly #count: ((change: number) => void) | undefined;
  #expecting = 0;
  #bytes = 0;

  constructor(backlogs?: BacklogBudget) {
    this.#count = backlogs?.open(this.#drop);
  }

  /** Returns what ends it; calling that again does nothing. */
  open(): () => void {
    let isOpen = true;
    this.#expecting += 1;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#expecting -= 1;
      if (this.#expecting > 0) return;
      this.#clear();
    };
  }

  keep(threadId: string, turnId: string, message: NotificationMessage): void {
    if (this.#expecting === 0) return;
    const stray = { turnId, message, bytes: roughBytes(message) };
    const events = this.#events.get(threadId);
    if (events) events.push(stray);
    else this.#events.set(threadId, [stray]);
    this.#bytes += stray.bytes;
    this.#count?.(stray.bytes);
    for (const oldest of this.#events.keys()) {
      if (this.#bytes <= maxBytes) break;
      this.take(oldest);
    }
  }

  take(threadId: string): readonly Unclaimed[] {
    const events = this.#events.get(threadId) ?? [];
    this.#events.delete(threadId);
    const bytes = events.reduce((sum, event) => sum + event.bytes, 0);
    this.#bytes -= bytes;
    if (bytes > 0) this.#count?.(-bytes);
    return events;
  }

  #clear(): void {
    const bytes = this.#bytes;
    this.#events.clear();
    this.#bytes = 0;
    if (bytes > 0) this.#count?.(-bytes);
  }
}
