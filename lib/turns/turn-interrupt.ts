import { TransportClosedError } from "../errors/connection-errors.js";
import { TurnNotActiveError } from "../errors/rpc-errors.js";
import type { Host } from "../host.js";

const attempts = 5;

/**
 * Interrupts one turn. The server refuses between the answer to `turn/start` and `turn/started`,
 * with the words it also uses for a turn that has ended, and the turn then runs on: so each attempt
 * comes after `untilRunning`, which also resolves at the turn's end, and within a bounded time.
 */
export async function interruptTurn(
  host: Host,
  threadId: string,
  turnId: () => string,
  untilRunning: () => Promise<void>,
): Promise<void> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await untilRunning();
    try {
      await host.call("turn/interrupt", { threadId, turnId: turnId() });
      return;
    } catch (error) {
      // It has ended: with its process, or just now.
      if (error instanceof TransportClosedError) return;
      if (!(error instanceof TurnNotActiveError)) throw error;
    }
  }
}
