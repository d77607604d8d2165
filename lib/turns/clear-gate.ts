import { settleWithin } from "../async/timers.js";
import { isDrop } from "../errors/connection-errors.js";
import { ServerBusyError } from "../errors/rpc-errors.js";
import type { Host } from "../host.js";

/** How long the server may take to answer (ms). */
const answerGraceMs = 5_000;

/** The shortest and the longest pause before it is asked again (ms). */
const minPauseMs = 1_000;
const maxPauseMs = 30_000;

/**
 * Lets the next turn onto a thread whose turn was given up without a word of its end, as soon as the
 * server does not say any more that the thread is active. Never rejects.
 */
export async function clearGate(host: Host, threadId: string): Promise<void> {
  for (let pauseMs = minPauseMs; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    const running = host.gate.runningUntil(threadId);
    if (!running || host.signal.aborted) return;
    const isActive = await asksIfActive(host, threadId);
    // A turn that has begun since is another matter.
    if (host.gate.runningUntil(threadId) !== running) return;
    if (!isActive) {
      host.gate.setRunning(threadId, false);
      return;
    }
    await settleWithin(running, pauseMs);
  }
}

/** A server that does not answer is not waited for: it will say so to the next turn itself. */
async function asksIfActive(host: Host, threadId: string): Promise<boolean> {
  try {
    const { thread } = await host.call("thread/read", { threadId }, { timeoutMs: answerGraceMs });
    return (thread as Partial<typeof thread>).status?.type === "active";
  } catch (error) {
    return error instanceof ServerBusyError || isDrop(error);
  }
}
