import { createHook } from "node:async_hooks";
import { getEventListeners } from "node:events";
import { setImmediate as turnOfTheLoop, setTimeout as pause } from "node:timers/promises";

/** How long what has been given back may take to be gone (ms): closing a pipe takes its time. */
const patienceMs = 5_000;

/**
 * What a process holds: handles and requests, timers whether they keep it alive or not, and
 * listeners on a signal.
 */
export class Leftovers {
  readonly #timers = new Set<number>();
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    // Node.js opens it at its first use, which is not the client's doing.
    process.stderr.write("");
    createHook({
      init: (id, type) => {
        if (type === "Timeout") this.#timers.add(id);
      },
      destroy: (id) => {
        this.#timers.delete(id);
      },
    }).enable();
  }

  /** What there is at this moment, by kind. */
  count(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const kind of process.getActiveResourcesInfo()) {
      if (kind !== "Timeout" && kind !== "Immediate") counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    counts.set("timer", this.#timers.size);
    counts.set("abort listener", getEventListeners(this.#signal, "abort").length);
    return counts;
  }

  /** What there is more of than there was; waits a while for it to go. */
  async since(before: Map<string, number>): Promise<string[]> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      // The timer of the pause itself is gone only in the next turns of the loop.
      for (let turn = 0; turn < 3; turn += 1) await turnOfTheLoop();
      const left = [...this.count()].flatMap(([kind, count]) => {
        const more = count - (before.get(kind) ?? 0);
        return more > 0 ? [`${more} × ${kind}`] : [];
      });
      if (left.length === 0 || performance.now() > deadline) return left;
      await pause(10);
    }
  }
}
