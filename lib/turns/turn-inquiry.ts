import { TurnLostError, TurnStalledError } from "./turn-errors.js";
import type { Session } from "../session/session.js";
import { isAtRest } from "../messages/thread-status.js";
import { TurnEndWatch } from "./turn-end-watch.js";
import type { TurnInbox } from "./turn-inbox.js";
import { readTurn, unanswered, type TurnReport } from "./turn-reconcile.js";
import type { Failure } from "./turn-request.js";
import { toTurnResult } from "./turn-result.js";
import { IdleTimer } from "./idle-timer.js";
import type { TurnState } from "../results/turn-state.js";

/** How often the server may leave unanswered what became of an overdue end; see TurnLostError. */
const maxUnanswered = 3;

/** How often it may say that the turn runs, of a thread that is idle; the same. */
const maxContradictions = 5;

/** The turn that is asked about, and who is told of the answers. None of the functions may throw. */
interface TurnInquiryOwner {
  readonly threadId: string;
  readonly inbox: TurnInbox;
  session(): Session | undefined;
  state(): TurnState;
  isOver(): boolean;
  /** Whether it waits for its thread, or is being looked for behind a drop of the connection. */
  isAway(): boolean;
  /** Whether it is a command that goes on behind the end of the server's turn. */
  outlivesTurn(): boolean;
  /** The server says that the turn runs. */
  running(): void;
  /** The turn is over, and `failure` tells why nobody will hear of its end. */
  over(failure: Failure): void;
  /** Nothing came of it for as long as `idleTimeoutMs` says. */
  stalled(failure: Failure): void;
}

/** Asks the server about a turn whose events stay away. */
export class TurnInquiry {
  readonly #owner: TurnInquiryOwner;
  readonly #ends = new TurnEndWatch((round) => this.#askForEnd(round));
  readonly #silence: IdleTimer | undefined;
  #isInquiring = false;
  /** Whether the server has said last that the thread runs no turn. */
  #threadIsIdle = false;
  /** The server has given up: an error came after which it does not try again. */
  #hasFailed = false;

  constructor(owner: TurnInquiryOwner, idleTimeoutMs: number | undefined) {
    this.#owner = owner;
    if (idleTimeoutMs === undefined) return;
    this.#silence = new IdleTimer(idleTimeoutMs, () => this.#askWhenSilent(idleTimeoutMs));
  }

  /** From now on silence counts. */
  begin(): void {
    this.#silence?.begin();
  }

  /** Silence counts anew. */
  heard(): void {
    this.#silence?.heard();
  }

  stop(): void {
    this.#ends.stop();
    this.endSilence();
  }

  /** Nobody waits for the turn any more: its silence is nobody's business, but its end is. */
  endSilence(): void {
    this.#silence?.stop();
  }

  /**
   * The server refuses to stop the turn, as if it did not run: asks what has become of it. Of a turn
   * that has not begun yet, an idle thread says nothing.
   */
  async refusedToStop(hasBegun: boolean): Promise<void> {
    if (this.#isInquiring || this.#isCutOff()) return;
    this.#isInquiring = true;
    const report = await this.read();
    this.#isInquiring = false;
    if (this.#owner.isOver() || this.#isCutOff()) return;
    if (report.state === "ended") this.#owner.inbox.settle(report);
    if (report.state === "unknown" && hasBegun) this.#endWithout();
  }

  threadStatus(status: string): void {
    this.#threadIsIdle = isAtRest(status);
    if (this.#threadIsIdle) this.#ends.suspect();
  }

  /** An error has come; `isFinal`: the server does not try again. */
  failed(isFinal: boolean): void {
    this.#hasFailed = isFinal;
    if (isFinal) this.#ends.suspect();
  }

  /** The command goes on behind the end of its turn: that it has ended too is only seen in the store. */
  outlived(): void {
    this.#ends.suspect();
  }

  /** What was missed while the connection was away has been read, with this outcome. */
  caughtUp(report: TurnReport): void {
    const isOverdue = this.#threadIsIdle || this.#hasFailed;
    if (isOverdue || report.state === "unanswered") this.#ends.suspect();
  }

  async read(): Promise<TurnReport> {
    const session = this.#owner.session();
    if (!session) return unanswered;
    const report = await readTurn(session, this.#owner.threadId, this.#owner.state().id);
    if (report.state === "unknown" && report.threadIsIdle) this.#threadIsIdle = true;
    if (report.state === "running") this.#owner.running();
    return report;
  }

  /**
   * The thread is idle, or the turn has failed, and `turn/completed` is overdue; or nothing was learnt
   * of the time in which the connection was away. Resolves with whether it is clear how things are.
   */
  async #askForEnd(round: number): Promise<boolean> {
    const owner = this.#owner;
    // What was missed is read by then, too.
    if (owner.inbox.isHolding()) return true;
    const report = await this.read();
    if (owner.isOver() || owner.inbox.isHolding()) return true;
    // It may take as long as it likes.
    if (owner.outlivesTurn() && report.state !== "ended") return false;
    switch (report.state) {
      case "ended":
        owner.inbox.settle(report);
        break;
      case "unknown":
        this.#endWithout();
        return true;
      case "running":
        if (!this.#threadIsIdle && !this.#hasFailed) return true;
        if (this.#threadIsIdle && round >= maxContradictions) this.#endWithout();
        break;
      case "unanswered":
        if (round >= maxUnanswered) this.#endWithout();
    }
    return owner.isOver();
  }

  /** The turn is over, as far as is known, but the server does not tell how it ended. */
  #endWithout(): void {
    const { threadId, inbox } = this.#owner;
    const { id, error, startedAt } = this.#owner.state();
    if (this.#hasFailed) {
      const times = { startedAt, completedAt: null, durationMs: null };
      const turn = { id, status: "failed", error, ...times } as const;
      inbox.settle({ state: "ended", turn, items: undefined, isLast: true });
    } else if (this.#threadIsIdle) {
      this.#owner.session()?.thread(threadId).slots.setRunning(false);
      this.#owner.over(() => new TurnLostError(toTurnResult(this.#owner.state())));
    }
  }

  async #askWhenSilent(idleTimeoutMs: number): Promise<void> {
    const owner = this.#owner;
    // Whoever has to answer the server, or brings the connection back, may take longer than the turn.
    if (this.#isCutOff() || owner.session()?.isAsked(owner.threadId, owner.state().id)) return;
    const report = await this.read();
    if (owner.isOver() || this.#isCutOff()) return;
    if (report.state === "ended") owner.inbox.settle(report);
    if (!owner.isOver() && (this.#silence?.silentMs ?? 0) >= idleTimeoutMs) {
      const probe = report.state === "running" ? "running" : "unknown";
      owner.stalled(() => new TurnStalledError(idleTimeoutMs, toTurnResult(owner.state()), probe));
    }
  }

  #isCutOff(): boolean {
    return this.#owner.isAway() || this.#owner.inbox.isHolding();
  }
}
