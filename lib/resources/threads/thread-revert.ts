import type { Thread as ThreadRecord } from "../../../generated/types.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { Host } from "../../session/host.js";
import { Pages } from "../../options/pages.js";
import { callLoaded } from "../../session/call-loaded.js";

/**
 * Cuts a thread's history before a turn. The turns that wait here come after that.
 *
 * @throws InvalidArgumentError when the thread has no such turn.
 */
export async function revertThread(
  host: Host,
  threadId: string,
  beforeTurnId: string,
): Promise<ThreadRecord> {
  const slot = host.slots.enter(threadId, { wait: false });
  try {
    await host.load(threadId);
    await requireTurn(host, threadId, beforeTurnId);
    const params = { threadId, beforeTurnId };
    return (await callLoaded(host, "thread/revert", params)).thread;
  } finally {
    slot.leave();
  }
}

/**
 * The server unloads the thread before it looks for the turn: an id that is not there would cost a
 * running turn, and a thread that was never stored all of itself.
 */
async function requireTurn(host: Host, threadId: string, turnId: string): Promise<void> {
  const turns = new Pages((cursor) => {
    const page = cursor === undefined ? {} : { cursor };
    const params = { threadId, itemsView: "notLoaded", limit: 100, ...page } as const;
    return host.call("thread/turns/list", params);
  });
  for await (const { id } of turns) {
    if (id === turnId) return;
  }
  throw new InvalidArgumentError("beforeTurnId", "must be the id of a turn of this thread");
}
