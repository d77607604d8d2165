import { clearImmediate, setImmediate } from "node:timers";
import { arrivals } from "./arrivals.js";
import { unref as letEnd } from "./realms.js";
import { nothingToUndo, undo, type Undo } from "./undo.js";

/** The longest delay that `setTimeout` takes (ms); it fires at once for a longer one. */
export const maxTimerMs = 2_147_483_647;

interface DeadlineOptions {
  /** Whether the process may end before the deadline (default false). */
  readonly unref?: boolean;
}

/**
 * Calls `listener` when `ms` milliseconds have passed, and everything that had come by then has been
 * read. Returns what stops it. Longer than `maxTimerMs`, `Infinity` included, is never.
 *
 * Node runs timers before it reads. After a pause of the process (a suspended machine, SIGSTOP, a
 * blocked event loop), what a deadline waits for may lie in the pipe while its timer fires. So the
 * event loop goes round until nothing more comes; only then is the time up.
 */
export function onDeadline(
  ms: number,
  listener: () => void,
  { unref = false }: DeadlineOptions = {},
): Undo {
  if (ms > maxTimerMs) return nothingToUndo;
  let stopReading: (() => void) | undefined;
  const timer = setTimeout(() => {
    stopReading = whenRead(ms, listener, unref);
  }, ms);
  if (unref) letEnd(timer);
  return undo(() => {
    clearTimeout(timer);
    stopReading?.();
  });
}

/** Calls `listener` once nothing more comes, or reading has put off the deadline of `ms` for long enough. */
function whenRead(ms: number, listener: () => void, unref: boolean): () => void {
  const limitMs = Math.min(Math.max(ms, minReadOnMs), maxReadOnMs);
  let timer: NodeJS.Timeout | undefined;
  let lookedAt = performance.now();
  let spentMs = 0;
  let seen = arrivals();
  let isBacklog = false;
  const look = (): void => {
    const now = performance.now();
    // The process may be stopped once more, and that counts no more than the first time.
    spentMs += Math.min(now - lookedAt, 2 * refillMs);
    lookedAt = now;
    const arrived = arrivals() - seen;
    seen += arrived;
    isBacklog ||= arrived >= backlogBytes;
    if (arrived === 0 || spentMs >= limitMs) listener();
    else if (!isBacklog) lookAfterReading();
    else {
      timer = setTimeout(lookAfterReading, refillMs);
      if (unref) letEnd(timer);
    }
  };
  const lookAfterReading = (): void => {
    // Never unref'd: it would wait until something else wakes the event loop.
    immediate = setImmediate(look);
  };
  let immediate = setImmediate(look);
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}

/**
 * The rest of a deadline of `limitMs` (ms), always more than 0. What can begin only after it, since this
 * process was stopped meanwhile, gets a moment: with no time at all it could not but fail.
 */
export function timeLeft(limitMs: number, since: number): number {
  const leftMs = limitMs - (performance.now() - since);
  return leftMs > 0 ? leftMs : Math.min(limitMs, graceMs);
}

const graceMs = 1_000;

/**
 * As much in one round (bytes) tells of a pipe that has been full: more waits behind it in the server,
 * which needs a moment to write on. A live stream brings far less at a time.
 */
const backlogBytes = 16 * 1_024;
const refillMs = 250;

/** How long reading may put off a deadline (ms): as long as the deadline itself, within these. */
const minReadOnMs = 2_000;
const maxReadOnMs = 5_000;
