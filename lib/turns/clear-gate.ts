import { settleWithin } from "../async/timers.js";
import type { Host } from "../host.js";
import { readThreadStatus } from "./question.js";

/** The shortest and the longest pause before the server is asked again (ms). */
const minPauseMs = 1_000;
const maxPauseMs = 30_000;

/**
 * How often the server may leave the question unanswered. It neither ends the turn nor tells of it then,
 * and waiting longer helps nobody: if the server is dead, the next turn fails by its own deadline; if it
 * is alive, that one may join the turn that was given up.
 */
const maxUnanswered = 3;

/**
 * Lets the next turn onto a thread whose turn was given up without a word of its end, as soon as the
 * server does not say any more that the thread is active. Never rejects.
 */
export async function clearGate(host: Host, threadId: string): Promise<void> {
  let unanswered = 0;
  for (let pauseMs = minPauseMs; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    const running = host.gate.runningUntil(threadId);
    if (!running || host.signal.aborted) return;
    const status = await readThreadStatus(host, threadId);
    // A turn that has begun since is another matter.
    if (host.gate.runningUntil(threadId) !== running) return;
    unanswered = status === "unknown" ? unanswered + 1 : 0;
    if (status === "idle" || unanswered === maxUnanswered) {
      host.gate.setRunning(threadId, false);
      return;
    }
    await settleWithin(running, pauseMs);
  }
}
