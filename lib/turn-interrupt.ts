import { settleWithin } from "./async/timers.js";
import { TransportClosedError } from "./errors/connection-errors.js";
import { TurnNotActiveError } from "./errors/rpc-errors.js";
import type { ThreadHost } from "./thread-host.js";

const attempts = 5;
const waitMs = 1_000;

/**
 * Interrupts one turn. The server refuses between the answer to `turn/start` and `turn/started`,
 * with the words it also uses for a turn that has ended, and the turn then runs on: so this waits
 * for `running` (or for the end, whichever resolves it), and tries again a few times.
 */
export async function interruptTurn(
  host: ThreadHost,
  threadId: string,
  turnId: string,
  running: Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await settleWithin(running, waitMs);
    try {
      await host.call("turn/interrupt", { threadId, turnId });
      return;
    } catch (error) {
      // It has ended: with its process, or just now.
      if (error instanceof TransportClosedError) return;
      if (!(error instanceof TurnNotActiveError)) throw error;
    }
  }
}
