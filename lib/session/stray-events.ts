import type { BacklogBudget, Drop } from "../async/backlog-budget.js";
import { BoundedMap } from "../async/bounded-map.js";
import { roughBytes } from "../async/rough-bytes.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import type { Unclaimed } from "./unclaimed-events.js";

/** More than a sub-agent can do before it is named; a bound for servers that never name one (bytes, roughly). */
const maxBytes = 16_777_216;

/**
 * Events of threads that nothing is known of, kept only while somebody expects such a thread. When
 * there are too many, those of the thread that has waited longest are dropped: the one that is
 * expected has only just begun.
 */
export class StrayEvents {
  readonly #threads = new BoundedMap<string, Unclaimed[]>(Infinity, (_threadId, events) => {
    this.#add(-sizeOf(events));
  });
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
      if (this.#expecting === 0) this.#clear();
    };
  }

  keep(threadId: string, turnId: string, message: NotificationMessage): void {
    if (this.#expecting === 0) return;
    const known = this.#threads.get(threadId);
    const event = { turnId, message };
    if (known) known.push(event);
    else this.#threads.set(threadId, [event]);
    this.#add(sizeOf([event]));
    while (this.#bytes > maxBytes) this.#threads.forgetOldest();
  }

  take(threadId: string): readonly Unclaimed[] {
    const events = this.#threads.get(threadId) ?? [];
    this.#threads.delete(threadId);
    this.#add(-sizeOf(events));
    return events;
  }

  #clear(): void {
    this.#threads.clear();
    this.#add(-this.#bytes);
  }

  #add(bytes: number): void {
    if (bytes === 0) return;
    this.#bytes += bytes;
    this.#count?.(bytes);
  }
}

function sizeOf(events: readonly Unclaimed[]): number {
  return events.reduce((sum, { message }) => sum + roughBytes(message), 0);
}
