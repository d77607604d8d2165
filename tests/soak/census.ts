import { getEventListeners } from "node:events";
import { setImmediate as nextRound } from "node:timers/promises";
import * as v8 from "node:v8";
import { EventQueue } from "../../lib/async/event-queue.js";
import type { AppServerClient } from "../../lib/client.js";
import { Connection } from "../../lib/jsonrpc/connection.js";
import { Turn } from "../../lib/turn.js";
import { TurnExecution } from "../../lib/turns/turn-execution.js";

/** What there is of everything that could be left behind, at one moment. */
export type Census = Readonly<Record<CensusKey, number>>;
export type CensusKey = keyof typeof allowed;

const MiB = 1_048_576;

/** By how much each may be more at the end than after the warm-up. */
export const allowed = {
  "heap (MiB)": 4,
  "RSS (MiB)": 96,
  timers: 0,
  "other resources": 0,
  "listeners of the shared signal": 0,
  "listeners of the process": 0,
  "threads with followed turns": 0,
  "threads that run": 0,
  "open requests": 0,
  "turn handles alive": 2,
  "turns alive": 2,
  "queues alive": 2,
  "connections alive": 0,
} as const;

/** Waits until everything that is due has run, collects garbage (`--expose-gc`), and counts. */
export async function takeCensus(client: AppServerClient, signal: AbortSignal): Promise<Census> {
  for (let round = 0; round < 3; round += 1) {
    for (let left = 20; left > 0; left -= 1) await nextRound();
    globalThis.gc?.();
  }
  // Node.js opens it at its first use, which may be a warning of its own.
  process.stderr.write("");
  const { heapUsed, rss } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((name) => name === "Timeout").length;
  const { session } = client;
  return {
    "heap (MiB)": Math.round((heapUsed / MiB) * 100) / 100,
    "RSS (MiB)": Math.round(rss / MiB),
    timers,
    "other resources": resources.length - timers,
    "listeners of the shared signal": getEventListeners(signal, "abort").length,
    "listeners of the process": process
      .eventNames()
      .reduce((sum, name) => sum + process.listenerCount(name), 0),
    "threads with followed turns": session.turns.size,
    "threads that run": session.threads.idsOf(({ slots }) => slots.isRunning).length,
    "open requests": client.pendingRequests().length,
    "turn handles alive": alive(Turn),
    "turns alive": alive(TurnExecution),
    "queues alive": alive(EventQueue),
    "connections alive": alive(Connection),
  };
}

/** How many instances of a class there are on the heap; 0 where Node cannot tell. */
function alive(kind: abstract new (...args: never) => object): number {
  const { queryObjects } = v8 as { queryObjects?: (kind: unknown) => unknown };
  return queryObjects ? Number(queryObjects(kind)) : 0;
}
