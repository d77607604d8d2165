import type { Call } from "./call.js";

/** An approval may depend on it, so it is not waited for for long (ms). */
const timeoutMs = 10_000;

/** The parent of a sub-agent's thread; null when it has none, undefined when it is not told. */
export async function readParent(call: Call, threadId: string): Promise<string | null | undefined> {
  try {
    const { thread } = await call("thread/read", { threadId }, { timeoutMs });
    return thread.parentThreadId;
  } catch {
    return undefined;
  }
}
