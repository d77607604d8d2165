import type { Life } from "../async/life.js";
import { poll } from "../async/poll.js";
import { settleWithin } from "../async/timers.js";
import { ThreadNotFoundError } from "../errors/rpc-errors.js";
import { retryOnOverload } from "../jsonrpc/retry.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../protocol.js";
import type { Session } from "../session/session.js";

/** How long each question may take to be answered (ms). */
const answerGraceMs = 5_000;

/** How long a question that a busy server refuses may take with all its repetitions (ms). */
const statusGraceMs = 10_000;

/** The shortest and the longest pause before the server is asked again whether a thread is free (ms). */
const pauseMs = 1_000;
const maxPauseMs = 30_000;

/**
 * How often the server may leave that unanswered. It neither ends the turn nor tells of it then, and waiting
 * longer helps nobody: if the server is dead, the next turn fails by its own deadline; if it is alive, that
 * one may join the turn that was given up.
 */
const maxUnanswered = 3;

/** How long a turn that was asked for may take to begin on a thread that is idle meanwhile (ms). */
const maxDelayMs = 60_000;

/** Asked again while the server is too busy, whatever the client is set to: nobody else would. */
export function askServer<M extends ClientRequestMethod>(
  session: Session,
  method: M,
  params: ParamsOf<M>,
): Promise<ResultOf<M>> {
  const { signal } = session;
  return retryOnOverload(() => session.call(method, params, { timeoutMs: answerGraceMs }), {
    signal,
  });
}

/**
 * Whether the server runs a turn on the thread; `"unknown"` when it does not say so in time. A thread
 * that it does not know is idle. Never rejects, and takes a bounded time.
 */
export async function readThreadStatus(
  session: Session,
  threadId: string,
): Promise<"active" | "idle" | "unknown"> {
  try {
    const answer = await settleWithin(
      askServer(session, "thread/read", { threadId }),
      statusGraceMs,
    );
    if (answer === "timeout") return "unknown";
    const type: unknown = answer.thread.status.type;
    if (typeof type !== "string") return "unknown";
    return type === "active" ? "active" : "idle";
  } catch (error) {
    return error instanceof ThreadNotFoundError ? "idle" : "unknown";
  }
}

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
  const runningUntil = () => session.thread(threadId).slots.runningUntil;
  let unanswered = 0;
  const look = async (): Promise<true | undefined> => {
    const running = runningUntil();
    const status = await readThreadStatus(session, threadId);
    if (life.isOver() || session.signal.aborted) return true;
    // A turn that has begun since is another matter, and has the slot itself.
    if (running && runningUntil() !== running) return true;
    unanswered = status === "unknown" ? unanswered + 1 : 0;
    const mayBegin = !hasBegun() && performance.now() - since < maxDelayMs;
    const isFree = (status === "idle" && !mayBegin) || unanswered === maxUnanswered;
    if (!isFree) return undefined;
    session.thread(threadId).slots.setRunning(false);
    return true;
  };
  const wait = (over: Promise<unknown>, ms: number): Promise<unknown> =>
    settleWithin(Promise.race([over, runningUntil() ?? over]), ms);
  await poll(look, { pauseMs, maxPauseMs, wake: life.over, wait });
}
