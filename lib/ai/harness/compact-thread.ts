import type { Thread } from "../../index.js";

/** How long the history was before it was summarised, and is now (tokens), as far as the server tells. */
export interface Compaction {
  readonly tokensBefore?: number;
  readonly tokensAfter?: number;
}

/**
 * Summarises the history of a thread, and waits for the end.
 *
 * @throws ThreadBusyError while a turn runs; TurnFailedError.
 */
export async function compactThread(thread: Thread): Promise<Compaction> {
  const turn = thread.compact({ whenBusy: "reject" });
  const counts: number[] = [];
  for await (const { method, params } of turn) {
    if (method !== "thread/tokenUsage/updated") continue;
    const { totalTokens } = params.tokenUsage.last;
    if (totalTokens > 0) counts.push(totalTokens);
  }
  await turn.run();
  // First comes the usage of the last turn once more, and last an estimate of what is left.
  const [tokensBefore] = counts;
  const tokensAfter = counts.length > 1 ? counts.at(-1) : undefined;
  return {
    ...(tokensBefore === undefined ? {} : { tokensBefore }),
    ...(tokensAfter === undefined ? {} : { tokensAfter }),
  };
}
