import { setTimeout as pause } from "node:timers/promises";
import { InternalRpcError, MethodNotFoundError, ThreadBusyError } from "../errors/rpc-errors.js";
import { says } from "../errors/server-sentences.js";
import type { ParamsOf, ResultOf } from "../protocol.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { encodeParams } from "../jsonrpc/encoded.js";
import { isContent } from "../messages/content-fields.js";
import type { OpeningSession } from "./opening-session.js";
import { openThread } from "./open-thread.js";

const attempts = 100;
const beginAttempts = 20;
const pauseMs = 50;

/**
 * `thread/resume` with the thread's own settings, repeated for a few seconds while the server is about
 * to unload the thread: it then refuses until it is done. Also for a moment while it stores the
 * thread's first turn.
 */
export async function resumeThread(
  session: OpeningSession,
  params: ParamsOf<"thread/resume">,
  options?: RequestOptions,
): Promise<ResultOf<"thread/resume">> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await openThread(session, "thread/resume", params, options);
    } catch (error) {
      const mayRepeat = isClosing(error) ? attempts : isBeginning(error) ? beginAttempts : 1;
      if (attempt >= mayRepeat) throw error;
      await pause(pauseMs);
    }
  }
}

/**
 * Resumes a thread that is loaded here, with changes. The server ignores them as long as it has the
 * thread loaded, so it has to let go of it first.
 */
export async function resumeAnew(
  session: OpeningSession,
  params: ParamsOf<"thread/resume">,
  options?: RequestOptions,
): Promise<ResultOf<"thread/resume">> {
  const { threadId } = params;
  // What cannot be sent is found before the thread is let go of.
  encodeParams("thread/resume", params, { maxBytes: Infinity, isContent });
  const slot = session.threads.open(threadId).slots.enter({ wait: true });
  try {
    await slot.admitted;
    // Another turn may follow the one that runs.
    for (let clear = slot.clear(); clear; clear = slot.clear()) await clear;
    // A thread that cannot be loaded again is refused here, before anything has changed.
    await resumeThread(session, { threadId, excludeTurns: true });
    await session.call("thread/unsubscribe", { threadId });
    return await resumeThread(session, params, options);
  } finally {
    slot.leave();
  }
}

function isBeginning(error: unknown): boolean {
  if (error instanceof MethodNotFoundError) return says(error.serverMessage, "noTurnsStored");
  // 0.155.1: the file is there, and nothing is in it yet.
  return error instanceof InternalRpcError && says(error.serverMessage, "rolloutEmpty");
}

function isClosing(error: unknown): boolean {
  return error instanceof ThreadBusyError && says(error.serverMessage, "threadClosing");
}
