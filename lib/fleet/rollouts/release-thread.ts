import { poll } from "../../async/poll.js";
import { Deferred } from "../../async/deferred.js";
import { settleWithin } from "../../async/timers.js";
import { ThreadNotMovedError } from "../../errors/thread-not-moved-error.js";
import type { AppServerClient, Codex } from "../../index.js";
import { checkRelease, type ReleaseThreadOptions } from "./move-options.js";
import { checkThreadId } from "./rollout-names.js";
import { ThreadHost } from "./thread-host.js";

const defaultTimeoutMs = 120_000;

/** How long to wait for `thread/closed` before the server is asked again (ms). */
const pauseMs = 500;

/**
 * Lets the server unload a thread and its sub-agents (`thread/unsubscribe`), and resolves when it has (`thread/closed`):
 * then its files are complete, and may be moved. A server unloads what nobody uses after a minute; where threads are
 * moved, configure it with `thread_unload_delay_secs = 0`, and it does so at once.
 *
 * @throws ThreadNotMovedError (`loaded`) when that takes longer than `timeoutMs`: another client uses the thread, or a
 * turn runs.
 */
export async function releaseThread(
  codex: Codex | AppServerClient,
  threadId: string,
  options: ReleaseThreadOptions = {},
): Promise<void> {
  checkThreadId(threadId);
  checkRelease(options);
  const { timeoutMs = defaultTimeoutMs } = options;
  const host = await ThreadHost.of(codex);
  const { client } = host;
  const ids = new Set([threadId]);
  for (const place of await host.placesOfSubagents(threadId)) ids.add(place.threadId);
  const endsAt = performance.now() + timeoutMs;
  let changed = new Deferred<void>();
  const stop = client.on("thread/closed", ({ params }) => {
    if (ids.has(params.threadId)) changed.resolve();
  });
  try {
    const asked = new Set<string>();
    const look = async (): Promise<true | undefined> => {
      changed = new Deferred();
      const loaded = await client.loadedThreads().all();
      const left = loaded.filter((id) => ids.has(id));
      for (const id of left) {
        if (asked.has(id)) continue;
        asked.add(id);
        await client.request("thread/unsubscribe", { threadId: id });
      }
      if (left.length > 0 && performance.now() >= endsAt)
        throw new ThreadNotMovedError("loaded", left[0] ?? threadId);
      return left.length === 0 ? true : undefined;
    };
    const wait = async (_: Promise<unknown>, ms: number): Promise<void> => {
      await settleWithin(changed.promise, ms);
    };
    await poll(look, { pauseMs, wait });
  } finally {
    stop();
  }
}
