import { onAbort } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
import type { Activity } from "../session/activity.js";

/** How often is looked whether the server is idle, if it may be for long (ms), and at the least. */
const maxPauseMs = 60_000;
const minPauseMs = 20;

export interface IdleShutdownOptions {
  /** How long nothing must have been asked for (ms). */
  readonly idleMs: number;
  readonly activity: Activity;
  /** Whether nothing is under way, as far as is known here. */
  readonly isQuiet: () => boolean;
  /** Ends the server, if it does not do anything. Never rejects. */
  readonly suspend: () => Promise<unknown>;
}

/** Ends a server that has had nothing to do for a while. */
export class IdleShutdown {
  readonly #options: IdleShutdownOptions;
  #wasQuiet = false;

  constructor(options: IdleShutdownOptions) {
    this.#options = options;
  }

  /** A server runs from now on, until `ended` aborts. */
  watch(ended: AbortSignal): void {
    if (ended.aborted) return;
    const pauseMs = Math.max(minPauseMs, Math.min(maxPauseMs, this.#options.idleMs / 4));
    // It is the server that keeps this process alive.
    const stop = onDeadline(
      pauseMs,
      () => {
        unlink();
        void this.#look().then(() => {
          this.watch(ended);
        });
      },
      { unref: true },
    );
    const unlink = onAbort(ended, stop);
  }

  async #look(): Promise<void> {
    const { activity, idleMs, isQuiet, suspend } = this.#options;
    const wasQuiet = this.#wasQuiet;
    this.#wasQuiet = isQuiet();
    // The time counts from when the last of it was over, which was after the last look.
    if (!this.#wasQuiet || !wasQuiet) activity.touch();
    if (performance.now() - activity.lastAt < idleMs) return;
    await suspend();
    // If it has something to do still, it is asked again after the same time.
    activity.touch();
  }
}
