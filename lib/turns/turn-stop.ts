import { settleWithin } from "../async/timers.js";
import { isDrop, TransportClosedError } from "../errors/connection-errors.js";
import { ThreadNotFoundError, TurnNotActiveError } from "../errors/rpc-errors.js";
import { says } from "../errors/server-sentences.js";
import type { Session } from "../session/session.js";
import { StopUnconfirmedError } from "./turn-errors.js";
import { readRunningId } from "./turn-reconcile.js";

/** How long a caller waits for the server to confirm a stop (ms). */
const confirmationMs = 60_000;

/** The shortest and the longest pause before the server is asked again to stop the turn (ms). */
const minPauseMs = 50;
const maxPauseMs = 5_000;

/** After so many refusals, and each time after so many more, the server is asked about the turn. */
const refusalsBeforeInquiry = 3;

/** The turn that is to be stopped. Of the functions, only `untilNamed` may take its time. */
interface StoppableTurn {
  readonly threadId: string;
  /** Resolves when it is over, or nothing more will be heard of it. */
  readonly over: Promise<void>;
  session(): Session | undefined;
  /** The id that the server runs the turn under, or at least the one it was answered with. */
  id(): string;
  isOver(): boolean;
  /** Whether an interrupt would stop this turn, and nothing else. */
  isStoppable(): boolean;
  /** Resolves when the server has named the turn, or it is over. */
  untilNamed(): Promise<unknown>;
  /** Resolves when the server has said that the turn runs, or after a moment. */
  untilRunning(): Promise<void>;
  /** Resolves when the server says so the next time. */
  nextSign(): Promise<void>;
  /** Asks the server what has become of the turn, which ends if the server says so. */
  inquire(): void;
}

/**
 * The stop of one turn. The server refuses it between the answer to `turn/start` and `turn/started`,
 * which may come much later on a busy machine; the words are those that it also uses for a turn that
 * has ended, and the turn then runs. So a refusal is not believed: the server is asked again when it
 * says that the turn runs, and after pauses, until it agrees or the turn is over.
 */
export class TurnStop {
  readonly #turn: StoppableTurn;
  #attempt: Promise<void> | undefined;
  #insistence: Promise<void> | undefined;
  #isConfirmed = false;

  constructor(turn: StoppableTurn) {
    this.#turn = turn;
  }

  /** Whether somebody wants the turn to stop. */
  get isWanted(): boolean {
    return this.#attempt !== undefined || this.#insistence !== undefined;
  }

  /** Whether the server has agreed, or the turn is over. */
  get isConfirmed(): boolean {
    return this.#isConfirmed || this.#turn.isOver();
  }

  /**
   * Stops the turn, and resolves when the server has agreed or the turn is over; concurrent calls share
   * one attempt. What the server refuses for other reasons than those above is thrown, and another call
   * tries again.
   *
   * @throws StopUnconfirmedError after a minute; the attempt goes on.
   */
  async request(): Promise<void> {
    const outcome = await settleWithin(this.#shared(), confirmationMs);
    if (outcome === "timeout") throw new StopUnconfirmedError("turn", confirmationMs);
  }

  /** The same, but it goes on whatever the server answers. Never rejects. */
  insist(): Promise<void> {
    this.#insistence ??= this.#insist();
    return this.#insistence;
  }

  async #insist(): Promise<void> {
    for (let pauseMs = minPauseMs; !this.isConfirmed; pauseMs = longer(pauseMs)) {
      try {
        await this.#shared();
      } catch (error) {
        // It is not the answer that counts here, but that the turn stops. A thread that is not loaded
        // runs none.
        if (error instanceof ThreadNotFoundError) this.#isConfirmed = true;
        else await settleWithin(this.#turn.over, pauseMs);
      }
    }
  }

  #shared(): Promise<void> {
    this.#attempt ??= this.#pursue().then(
      () => {
        this.#isConfirmed = true;
      },
      (error: unknown) => {
        this.#attempt = undefined;
        throw error;
      },
    );
    return this.#attempt;
  }

  async #pursue(): Promise<void> {
    const turn = this.#turn;
    const { threadId, over } = turn;
    await turn.untilNamed();
    /** A review runs under an id that only `turn/started` tells, which may have been missed. */
    let known: string | undefined;
    let refusals = 0;
    for (let pauseMs = minPauseMs; ; pauseMs = longer(pauseMs)) {
      const session = turn.session();
      if (!session) return;
      try {
        // However long that takes: the turn runs on meanwhile.
        await Promise.race([session.available(), over]);
        if (refusals === 0) await turn.untilRunning();
        if (turn.isOver() || !turn.isStoppable()) return;
        const sign = turn.nextSign();
        const id = known ?? turn.id();
        const refusal = await this.#refusal(session, id);
        if (!refusal) return;
        refusals += 1;
        if (isOtherTurn(refusal) && known === undefined) {
          known = await readRunningId(session, threadId, id);
          if (known !== undefined) continue;
        }
        if (refusals % refusalsBeforeInquiry === 0) turn.inquire();
        await settleWithin(Promise.race([sign, over]), pauseMs);
      } catch (error) {
        if (isDrop(error)) continue;
        // With its process, the turn has ended.
        if (error instanceof TransportClosedError) return;
        throw error;
      }
    }
  }

  /** Resolves with the refusal of a server that says that the turn does not run. */
  async #refusal(session: Session, turnId: string): Promise<TurnNotActiveError | undefined> {
    const { threadId, over } = this.#turn;
    try {
      await Promise.race([session.call("turn/interrupt", { threadId, turnId }), over]);
      return undefined;
    } catch (error) {
      if (error instanceof TurnNotActiveError) return error;
      throw error;
    }
  }
}

function longer(pauseMs: number): number {
  return Math.min(2 * pauseMs, maxPauseMs);
}

function isOtherTurn({ serverMessage }: TurnNotActiveError): boolean {
  return says(serverMessage, "otherActiveTurn");
}
