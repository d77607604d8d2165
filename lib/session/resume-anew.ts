import { encodeParams } from "../jsonrpc/encoded.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { isContent } from "../messages/content-fields.js";
import type { ParamsOf, ResultOf } from "../protocol.js";
import { resumeThread } from "./resume-thread.js";
import type { Session } from "./session.js";

/**
 * Resumes a thread that is loaded here, with changes. The server ignores them as long as it has the
 * thread loaded, so it has to let go of it first.
 */
export async function resumeAnew(
  session: Session,
  params: ParamsOf<"thread/resume">,
  options?: RequestOptions,
): Promise<ResultOf<"thread/resume">> {
  const { threadId } = params;
  // What cannot be sent is found before the thread is let go of.
  encodeParams("thread/resume", params, { maxBytes: Infinity, isContent });
  const slot = session.thread(threadId).slots.enter({ wait: true });
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
