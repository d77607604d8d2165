import { onAbort } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
import { settleWithin } from "../async/timers.js";
import type { Host } from "../host.js";
import type { LateAnswer, RequestOptions } from "../rpc/connection.js";
import { interruptTurn } from "./turn-interrupt.js";

/** How long after its deadline a turn may begin, and is still stopped (ms). */
const maxDelayMs = 60_000;

/** How long the server may take, after its answer, to say that a turn runs (ms). */
const runningGraceMs = 1_000;

/** Says of an item whether it shows that a turn is the one that was asked for. */
export type ItemMatch = (item: Readonly<Record<string, unknown>>) => boolean;

/**
 * Options for a request that starts a turn: if it is carried out after its deadline, when nobody waits
 * for the turn, the turn is interrupted.
 */
export function interruptsLateTurn(host: Host, threadId: string): RequestOptions {
  const late: LateAnswer = {
    consequence: "If it does, this client interrupts the turn.",
    answered: (result) => {
      const { turn } = (result ?? {}) as { turn?: { id?: unknown } | null };
      if (typeof turn?.id === "string") void interruptUnfollowed(host, threadId, turn.id);
    },
  };
  return { late };
}

/** The same when no answer comes, or none that names the turn: it is known by one of its items. */
export function watchForLateTurn(host: Host, threadId: string, isOurs: ItemMatch): void {
  const stop = host.on("item/started", ({ params }) => {
    const item: unknown = params.item;
    if (params.threadId !== threadId || !isRecord(item) || !isOurs(item)) return;
    end();
    void interruptUnfollowed(host, threadId, params.turnId);
  });
  const unlink = onAbort(host.signal, () => {
    end();
  });
  const giveUp = (): void => {
    end();
  };
  const stopDeadline = onDeadline(maxDelayMs, giveUp, { unref: true });
  const end = (): void => {
    stop();
    unlink();
    stopDeadline();
  };
}

/** Interrupts a turn that nobody waits for. Never rejects: there is nobody to tell. */
export async function interruptUnfollowed(
  host: Host,
  threadId: string,
  turnId: string,
): Promise<void> {
  await host.turns.whenSettled(threadId, turnId);
  // Input that joined a turn of somebody else is not worth stopping that for.
  if (host.turns.sinksOf(threadId, turnId).length > 0) return;
  let stop = (): void => undefined;
  const started = new Promise<void>((resolve) => {
    stop = host.on("turn/started", ({ params }) => {
      if (params.threadId === threadId) resolve();
    });
  });
  let attempts = 0;
  try {
    await interruptTurn(host, threadId, turnId, async () => {
      attempts += 1;
      if (attempts > 1) await settleWithin(started, runningGraceMs);
    });
  } catch {
    // It runs on, as it would have without us.
  } finally {
    stop();
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
