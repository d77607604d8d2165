import type { Host } from "../host.js";
import { TurnExecution } from "./turn-execution.js";

/**
 * Stops a turn that nobody waits for, and does not rest before the server has confirmed that, the turn
 * is over, or the connection is. Until then no handle starts another turn on the thread. Never rejects:
 * there is nobody to tell.
 */
export async function stopUnfollowed(host: Host, threadId: string, turnId: string): Promise<void> {
  await host.turns.whenSettled(threadId, turnId);
  // Input that joined a turn of somebody else is not worth stopping that for.
  if (host.turns.sinksOf(threadId, turnId).some(({ looksOn }) => !looksOn)) return;
  const pass = host.gate.enter(threadId, { wait: false });
  const start = { host, id: turnId };
  const turn = new TurnExecution(
    () => Promise.resolve(host),
    { threadId, start, controls: {} },
    nobody,
  );
  const pending = host.turns.expect(threadId);
  pending.claim(turnId, turn.follower);
  pending.settle();
  await turn.stopUnwatched();
  pass.leave();
}

const nobody = {
  event: () => undefined,
  ended: () => undefined,
};
