import type { RequestAnswer, TurnInput } from "../index.js";

/**
 * The way to turns that other processes run, by the ids of their streams. Each call resolves when the process that runs
 * the turn has done what is asked, and rejects with the error that it would throw here: an AlreadyAnsweredError when
 * another answer came first, a TurnOverError when the turn has ended, a CommandPendingError when nobody runs the turn at
 * the moment. `remoteTurns()` of `codex-app-server-sdk/fleet` makes one.
 */
export interface RemoteTurns {
  answer(id: string, key: string, answer: RequestAnswer): Promise<void>;
  steer(id: string, input: TurnInput): Promise<void>;
  interrupt(id: string): Promise<void>;
}
