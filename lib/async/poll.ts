import { orAborted } from "./abort.js";
import { Deferred } from "./deferred.js";
import { settleWithin } from "./timers.js";

/** How often to look, and how long to wait between two looks. */
export interface PollOptions {
  /** The first pause (ms). Each later one is twice as long, up to `maxPauseMs`. */
  readonly pauseMs: number;
  /** The longest pause (ms; default: `pauseMs`, so that all are the same). */
  readonly maxPauseMs?: number | undefined;
  /** How many looks there are at most (default: any number). */
  readonly looks?: number | undefined;
  /** Ends a pause early when it settles. */
  readonly wake?: Promise<unknown> | undefined;
  /** Ends the wait, which rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Waits for a promise, but not longer than `ms` milliseconds (default: by the clock). */
  readonly wait?: ((wake: Promise<unknown>, ms: number) => Promise<unknown>) | undefined;
}

/**
 * Looks again and again, with pauses between, until `look` gives something. Resolves with that; with
 * undefined after the last look.
 *
 * @throws what `look` throws, or the reason of the signal.
 */
export async function poll<T>(
  look: (number: number) => Promise<T | undefined>,
  options: PollOptions,
): Promise<T | undefined> {
  const { maxPauseMs = options.pauseMs, looks = Infinity, signal, wait = settleWithin } = options;
  const { wake = new Deferred<never>().promise } = options;
  let { pauseMs } = options;
  for (let number = 1; ; number += 1) {
    const found = await look(number);
    if (found !== undefined || number >= looks) return found;
    await orAborted(wait(wake, pauseMs), signal);
    pauseMs = Math.min(2 * pauseMs, maxPauseMs);
  }
}
