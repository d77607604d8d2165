import { onAbort } from "../../async/abort.js";
import type { AsyncIteration } from "../../async/async-iteration.js";
import { checkSignal } from "../../options/checks.js";
import { EventQueue } from "../../async/event-queue.js";
import { TransportClosedError } from "../../errors/connection-errors.js";
import { SlowConsumerError } from "../../errors/slow-consumer-error.js";
import type { Connect, Host } from "../../session/host.js";
import { readRunningTurn } from "../../session/recovery/running-turn.js";
import { Turn } from "../../turn.js";
import { announcesTurn } from "../../messages/announces-turn.js";

/** How many turns may wait for whoever iterates; each keeps its own events. */
const maxWaiting = 100;

/**
 * The turns of a thread that no handle has asked for, from now on. It ends when the client is
 * closed, and throws what kept it from going on.
 */
export function unsolicitedTurns(
  connect: Connect,
  threadId: string,
  signal: AbortSignal | undefined,
): AsyncIteration<Turn> {
  const stops: (() => void)[] = [];
  const stop = (): void => {
    for (const each of stops.splice(0)) each();
  };
  let left = false;
  const leave = (): void => {
    left = true;
    stop();
  };
  const turns = new EventQueue<Turn>(leave, {
    maxWeight: maxWaiting,
    weigh: () => 1,
    overflow: () => {
      leave();
      return new SlowConsumerError(`${maxWaiting} turns`, "Take each turn as it comes.");
    },
  });
  const fail = (reason: unknown): void => {
    leave();
    turns.fail(reason);
  };
  const begin = async (): Promise<void> => {
    const host = await connect();
    if (left) return;
    const unwatch = host.turns.watch(threadId, (id, event, isTaken) => {
      if (isTaken || !announcesTurn(event)) return undefined;
      const turn = new Turn(connect, {
        threadId,
        start: { host, id, looksOn: true },
        // Whoever looks on must not stop what somebody else has started.
        controls: { onBreak: "detach" },
      });
      turns.push(turn);
      return turn.follower;
    });
    const unlink = onAbort(host.signal, (reason) => {
      stop();
      // Closing was the caller's wish; anything else must not look like a natural end.
      if (reason instanceof TransportClosedError && reason.reason.kind === "closed") turns.end();
      else turns.fail(reason);
    });
    stops.push(unwatch, unlink);
    const wasLoaded = host.isLoaded(threadId);
    await host.load(threadId);
    if (!wasLoaded) await offerRunningTurn(host, threadId);
  };
  checkSignal(signal);
  stops.push(onAbort(signal, fail));
  if (!signal?.aborted) begin().catch(fail);
  return turns;
}

/** The thread that has just been loaded may be in the middle of a turn: of its start nothing was told. */
async function offerRunningTurn(host: Host, threadId: string): Promise<void> {
  if (!host.slots.isRunning(threadId)) return;
  // Over a connection that drops meanwhile, the turn is found when the thread is resumed.
  const turn = await readRunningTurn(threadId, host.call.bind(host)).catch(() => undefined);
  if (!turn || !host.turns.isOnlyWatched(threadId)) return;
  const started = { method: "turn/started", params: { threadId, turn } };
  host.turns.begunBefore(threadId, turn.id, started);
}
