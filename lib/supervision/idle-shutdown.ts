import { onAbort } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
import type { Activity } from "../session/activity.js";
import type { Session } from "../session/session.js";
import { isQuiet } from "./at-rest.js";

/** How often is looked whether the server is idle, if it may be for long (ms), and at the least. */
const maxPauseMs = 60_000;
const minPauseMs = 20;

/** The server that may be idle. */
interface IdleServer {
  /** Its connection; undefined while there is none. */
  readonly live: { readonly session: Session } | undefined;
  /** Ends it, if it does not do anything. Never rejects. */
  suspend(): Promise<unknown>;
}

/** Ends a server that has had nothing to do for a while. */
export class IdleShutdown {
  readonly #server: IdleServer;
  readonly #activity: Activity;
  readonly #idleMs: number;
  #wasQuiet = false;

  /** `idleMs`: how long nothing must have been asked for (ms). */
  constructor(server: IdleServer, activity: Activity, idleMs: number) {
    this.#server = server;
    this.#activity = activity;
    this.#idleMs = idleMs;
  }

  /** A server runs from now on, until `ended` aborts. */
  watch(ended: AbortSignal): void {
    if (ended.aborted) return;
    const pauseMs = Math.max(minPauseMs, Math.min(maxPauseMs, this.#idleMs / 4));
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
    const { live } = this.#server;
    const wasQuiet = this.#wasQuiet;
    this.#wasQuiet = !live || isQuiet(live.session);
    // The time counts from when the last of it was over, which was after the last look.
    if (!this.#wasQuiet || !wasQuiet) this.#activity.touch();
    if (performance.now() - this.#activity.lastAt < this.#idleMs) return;
    await this.#server.suspend();
    // If it has something to do still, it is asked again after the same time.
    this.#activity.touch();
  }
}
