import { isDrop, TransportClosedError } from "../errors/connection-errors.js";
import { TurnNotActiveError } from "../errors/rpc-errors.js";
import type { Host } from "../host.js";
import { readRunningId } from "./turn-reconcile.js";

const attempts = 5;

/**
 * Interrupts one turn. The server refuses between the answer to `turn/start` and `turn/started`,
 * with the words it also uses for a turn that has ended, and the turn then runs on: so each attempt
 * comes after `untilRunning`, which also resolves at the turn's end, and within a bounded time.
 *
 * `turnId` is the id that the server runs the turn under, or at least the one it was answered with.
 */
export async function interruptTurn(
  host: Host,
  threadId: string,
  turnId: string | (() => string),
  untilRunning: () => Promise<void>,
): Promise<void> {
  let known: string | undefined;
  for (let refusals = 0; refusals < attempts;) {
    let id = "";
    try {
      // However long that takes: the turn runs on meanwhile.
      await host.available();
      await untilRunning();
      id = known ?? (typeof turnId === "string" ? turnId : turnId());
      await host.call("turn/interrupt", { threadId, turnId: id });
      return;
    } catch (error) {
      if (isDrop(error)) continue;
      // It has ended: with its process, or just now.
      if (error instanceof TransportClosedError) return;
      if (!(error instanceof TurnNotActiveError)) throw error;
      refusals += 1;
      // A review runs under an id that only `turn/started` tells, which may have been missed.
      if (isOtherTurn(error)) known ??= await readRunningId(host, threadId, id);
    }
  }
}

function isOtherTurn({ serverMessage }: TurnNotActiveError): boolean {
  return serverMessage.includes("but found");
}
