import type { Turn as TurnRecord } from "../../../generated/types.js";
import { TransportClosedError } from "../../errors/connection-errors.js";
import type { Call } from "../call.js";

/**
 * The turn that the server runs on a thread; undefined when it runs none, or cannot tell.
 *
 * @throws TransportClosedError
 */
export async function readRunningTurn(
  threadId: string,
  call: Call,
): Promise<TurnRecord | undefined> {
  try {
    const newest = { limit: 1, sortDirection: "desc", itemsView: "notLoaded" } as const;
    const { data }: { data: unknown } = await call("thread/turns/list", { threadId, ...newest });
    const [turn] = Array.isArray(data) ? (data as (TurnRecord | null)[]) : [];
    const isRunning = typeof turn?.id === "string" && turn.status === "inProgress";
    return isRunning ? turn : undefined;
  } catch (error) {
    if (error instanceof TransportClosedError) throw error;
    return undefined;
  }
}
