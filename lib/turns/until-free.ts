import type { Life } from "../async/life.js";
import { settleWithin } from "../async/timers.js";
import type { Session } from "../session/session.js";
import { readThreadStatus } from "./ask-server.js";

/** The shortest and the longest pause before the server is asked again (ms). */
const minPauseMs = 1_000;
const maxPauseMs = 30_000;

/**
 * How often the server may leave the question unanswered. It neither ends the turn nor tells of it then,
 * and waiting longer helps nobody: if the server is dead, the next turn fails by its own deadline; if it
 * is alive, that one may join the turn that was given up.
 */
const maxUnanswered = 3;

/** How long a turn that was asked for may take to begin on a thread that is idle meanwhile (ms). */
const maxDelayMs = 60_000;

/**
 * Resolves when the next turn may go onto a thread whose turn was given up without a word of its end: as
 * soon as that one is over, or the server does not say any more that the thread is active. A turn that
 * has not begun yet may still begin, and the next one would become part of it. Never rejects.
 */
export async function untilFree(
  session: Session,
  threadId: string,
  life: Life,
  hasBegun: () => boolean,
): Promise<void> {
  const since = performance.now();
  let unanswered = 0;
  for (let pauseMs = minPauseMs; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    const running = session.thread(threadId).slots.runningUntil;
    const status = await readThreadStatus(session, threadId);
    if (life.isOver() || session.signal.aborted) return;
    // A turn that has begun since is another matter, and has the slot itself.
    if (running && session.thread(threadId).slots.runningUntil !== running) return;
    unanswered = status === "unknown" ? unanswered + 1 : 0;
    const mayBegin = !hasBegun() && performance.now() - since < maxDelayMs;
    if ((status === "idle" && !mayBegin) || unanswered === maxUnanswered) {
      session.thread(threadId).slots.setRunning(false);
      return;
    }
    await settleWithin(Promise.race(running ? [life.over, running] : [life.over]), pauseMs);
  }
}
