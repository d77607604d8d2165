import { onDeadline } from "../../async/deadline.js";

interface Waiting {
  readonly wake: () => void;
  /** When it has waited long enough (ms, on the clock of `performance`). */
  readonly until: number;
}

/**
 * Those who wait for news of one log. They come and go with every event, so a wait makes neither a timer nor a
 * listener of its own: one timer serves all, and each signal is listened to once.
 */
export class LogReaders {
  readonly #waiting = new Set<Waiting>();
  /** Who waits with a signal that is listened to. */
  readonly #bySignal = new WeakMap<AbortSignal, { current: Waiting | undefined }>();
  #stopAlarm: (() => void) | undefined;
  /** When the alarm rings. */
  #alarmAt = Infinity;

  /** Resolves when there are news, `waitMs` milliseconds have passed, or the signal aborts. */
  wait(waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = { wake: resolve, until: performance.now() + waitMs };
      this.#waiting.add(waiting);
      this.#listen(signal).current = waiting;
      // Most wait equally long, and then the alarm is set for one who came before.
      if (!this.#stopAlarm || waiting.until < this.#alarmAt) this.#setAlarm();
    });
  }

  /** There are news. */
  wake(): void {
    for (const { wake } of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** No news come any more. */
  end(): void {
    this.wake();
    this.#stopAlarm?.();
    this.#stopAlarm = undefined;
  }

  #listen(signal: AbortSignal): { current: Waiting | undefined } {
    const known = this.#bySignal.get(signal);
    if (known) return known;
    const place: { current: Waiting | undefined } = { current: undefined };
    this.#bySignal.set(signal, place);
    const leave = (): void => {
      if (place.current) this.#waiting.delete(place.current);
      place.current?.wake();
    };
    signal.addEventListener("abort", leave, { once: true });
    return place;
  }

  /** For the one whose time is up first. Most are woken before, and then it looks for the next. */
  #setAlarm(): void {
    const now = performance.now();
    let next = Infinity;
    for (const waiting of this.#waiting) {
      if (waiting.until > now) next = Math.min(next, waiting.until);
      else {
        this.#waiting.delete(waiting);
        waiting.wake();
      }
    }
    this.#stopAlarm?.();
    this.#stopAlarm = undefined;
    this.#alarmAt = next;
    if (next === Infinity) return;
    const ring = (): void => {
      this.#setAlarm();
    };
    this.#stopAlarm = onDeadline(next - now, ring, { unref: true });
  }
}
