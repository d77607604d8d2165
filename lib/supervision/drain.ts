import { setImmediate } from "node:timers";
import { onDeadline } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { checkOptions, type KeysOf } from "../errors/check-options.js";
import { checkFields, type Rule } from "../errors/check-values.js";
import { readRunningTurn } from "../session/recovery/running-turn.js";
import type { Session } from "../session/session.js";
import { otherTurns, type OtherTurn } from "../session/turns-in-progress.js";
import type { WorkUnderWay } from "../session/work-under-way.js";
import { stopGraceMs } from "../turns/machine/stop.js";
import { stopUnfollowed } from "../turns/stop-unfollowed.js";

/** Options of `codex.close()`. */
export interface CloseOptions {
  /**
   * How long running turns and goals may go on to their end (ms; 0 stops them at once, `Infinity` waits for all).
   * Without it nothing is waited for, and nothing is interrupted: what runs is lost with the server.
   */
  drainMs?: number | undefined;
}

const closeKeys: KeysOf<CloseOptions> = { drainMs: true };

const drainTime: Rule = {
  fits: (value) => typeof value === "number" && value >= 0,
  problem: "must be a number of milliseconds, 0 or more, or Infinity",
};

/** @throws InvalidArgumentError, which names the option. */
export function checkCloseOptions(options: unknown): asserts options is CloseOptions {
  checkOptions("close()", options, closeKeys);
  checkFields(options as CloseOptions, { drainMs: drainTime });
}

/** The server that is drained. */
interface DrainedServer {
  /** The start that is under way, or the connection that it has led to; undefined when there is none. */
  readonly starting: Promise<unknown> | undefined;
  /** The connection of this moment. */
  readonly live: { readonly session: Session } | undefined;
}

/**
 * Lets the turns and goals of a client come to their end, for a time, and then stops the rest. From the moment when
 * it is made, nothing more begins.
 */
export class Drain {
  readonly #server: DrainedServer;
  readonly #work: WorkUnderWay;
  readonly #expired = new Deferred<void>();
  readonly #abandoned = new Deferred<void>();
  #isAbandoned = false;
  #stopDeadline: (() => void) | undefined;
  #endsAt = Infinity;

  constructor(server: DrainedServer, work: WorkUnderWay) {
    this.#server = server;
    this.#work = work;
    work.drain();
  }

  /** What runs after so many ms is stopped. Of several calls, the one whose time is up first holds. */
  limit(drainMs: number): void {
    const endsAt = performance.now() + drainMs;
    if (endsAt >= this.#endsAt) return;
    this.#endsAt = endsAt;
    this.#stopDeadline?.();
    this.#stopDeadline = onDeadline(drainMs, () => {
      this.#expired.resolve();
    });
  }

  /** Nothing is waited for any more, nor stopped. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#abandoned.resolve();
  }

  /** Resolves when nothing runs any more, or the server does not stop it in time. Never rejects. */
  async run(): Promise<void> {
    const abandoned = this.#abandoned.promise;
    await Promise.race([this.#untilAtRest(), this.#expired.promise, abandoned]);
    this.#stopDeadline?.();
    if (!this.#isAbandoned) await Promise.race([this.#stopAll(), abandoned]);
  }

  async #untilAtRest(): Promise<void> {
    // What was accepted while the server was being started runs when it is there.
    await this.#server.starting?.catch(() => undefined);
    for (;;) {
      // Whoever was told of the start, or of an end, comes first: the next may have been waiting for it.
      await new Promise((resolve) => setImmediate(resolve));
      const session = this.#server.live?.session;
      const ends = [
        ...this.#work.all.map(({ work: { life } }) => life.over),
        ...(session ? otherTurns(session).map(({ ended }) => ended) : []),
        ...(session
          ? [...session.threads].flatMap(([, { slots }]) => slots.reservedUntil ?? [])
          : []),
      ];
      if (ends.length === 0) return;
      await Promise.all(ends);
    }
  }

  async #stopAll(): Promise<void> {
    const session = this.#server.live?.session;
    const others = session ? otherTurns(session) : [];
    await Promise.all([
      // At the same moment, so that none of those that wait is sent in the place of another.
      ...this.#work.all.map(({ work: each }) => each.interruptAndWait()),
      ...others.map((turn) => settleWithin(stopOther(session, turn), stopGraceMs)),
    ]);
  }
}

/** Never rejects. */
async function stopOther(session: Session | undefined, turn: OtherTurn): Promise<void> {
  if (!session) return;
  const { threadId, ended } = turn;
  const read = () => readRunningTurn(threadId, session.call.bind(session));
  const turnId = turn.turnId ?? (await read().catch(() => undefined))?.id;
  if (turnId === undefined) return;
  // Whoever follows it has not begun it, and nobody else stops it.
  await stopUnfollowed(session, threadId, turnId, { evenIfFollowed: true });
  await ended;
}
