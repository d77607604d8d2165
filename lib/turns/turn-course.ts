import { TurnLostError, TurnStalledError } from "../errors/turn-errors.js";
import type { Host, TurnFollower } from "../host.js";
import type { TurnEvent } from "../protocol.js";
import { CommandPart } from "./command-part.js";
import { TurnEndWatch } from "./turn-end-watch.js";
import type { Failure, TurnRequest } from "./turn-request.js";
import { TurnIdentity } from "./turn-identity.js";
import { TurnInbox } from "./turn-inbox.js";
import { TurnProgress } from "./turn-progress.js";
import { readTurn, unanswered, type EndedReport, type TurnReport } from "./turn-reconcile.js";
import { toTurnResult } from "./turn-result.js";
import { TurnSilence } from "./turn-silence.js";
import type { TurnState } from "./turn-state.js";

/** Who is told of a turn's course. None of the functions may throw. */
interface TurnCourseListener {
  event(event: TurnEvent): void;
  /** The server has said that the turn runs. */
  running(): void;
  /** It has come to its end, or `failure` tells why nobody will hear of that. */
  over(failure?: Failure): void;
  /** Nothing came of it for as long as `idleTimeoutMs` says. */
  stalled(failure: Failure): void;
}

/** What becomes of a turn in the server: its events, and what is asked of it when these stay away. */
export class TurnCourse {
  /** How the routes see the turn. */
  readonly follower: TurnFollower;
  /** The connection that runs the turn; undefined until it is there. */
  host: Host | undefined;
  readonly #request: TurnRequest;
  readonly #listener: TurnCourseListener;
  readonly #progress: TurnProgress;
  readonly #identity: TurnIdentity;
  readonly #inbox: TurnInbox;
  /** There for a shell command, which may be a part of the turn only. */
  readonly #command: CommandPart | undefined;
  readonly #ends = new TurnEndWatch(() => this.#askForEnd());
  readonly #silence: TurnSilence | undefined;
  /** Whether the server has said last that the thread runs no turn. */
  #threadIsIdle = false;
  /** The server has given up: an error came after which it does not try again. */
  #hasFailed = false;
  /** Whether it waits for its thread, or is being looked for behind a drop of the connection. */
  #isAway = false;
  #phase: "open" | "over" = "open";

  constructor(request: TurnRequest, listener: TurnCourseListener) {
    const { threadId, start, controls } = request;
    this.#request = request;
    this.#listener = listener;
    this.#progress = new TurnProgress(threadId);
    this.#identity = new TurnIdentity(start);
    this.#inbox = new TurnInbox(this.#createOwner());
    const isCommand = "send" in start && start.method === "thread/shellCommand";
    this.#command = isCommand ? this.#createCommand() : undefined;
    this.follower = this.#createFollower();
    const { idleTimeoutMs } = controls;
    if (idleTimeoutMs !== undefined) {
      this.#silence = new TurnSilence(idleTimeoutMs, () => this.#askWhenSilent(idleTimeoutMs));
    }
  }

  get state(): TurnState {
    return this.#progress.state;
  }

  set state(state: TurnState) {
    this.#progress.state = state;
  }

  /** The id to interrupt the turn by; undefined until the server has said that it runs. */
  get runningId(): string | undefined {
    return this.#identity.running;
  }

  /** Whether an interrupt would stop what this is, and nothing else. */
  get isStoppable(): boolean {
    return this.#command?.isStoppable ?? true;
  }

  /** Whether it goes on though nothing can stop it. */
  get runsOn(): boolean {
    return this.#command?.runsOn ?? false;
  }

  /** Silence counts while the server has, or is about to get, the turn. */
  sending(isSent: boolean): void {
    this.#isAway = !isSent;
    if (isSent) this.#silence?.begin();
  }

  named(id: string): void {
    this.#identity.id = id;
    this.#isAway = false;
    this.heard();
    this.state = { ...this.state, id };
  }

  /** A sub-agent of the turn has been heard, or somebody begins to wait: silence counts anew. */
  heard(): void {
    this.#silence?.heard();
  }

  /** Nobody is interested any more. */
  end(): void {
    this.#phase = "over";
    this.#ends.stop();
    this.#silence?.stop();
    this.#command?.stop();
  }

  #isCutOff(): boolean {
    return this.#isAway || this.#inbox.isHolding();
  }

  #isOver(): boolean {
    return this.#phase === "over";
  }

  #createOwner() {
    const state = (): TurnState => this.state;
    return {
      get state() {
        return state();
      },
      deliver: (event: TurnEvent) => {
        this.#deliver(event);
      },
      end: (report: EndedReport) => {
        this.#deliverEnd(report);
      },
    };
  }

  #createCommand(): CommandPart {
    const { threadId } = this.#request;
    const turnId = (): string => this.#identity.id;
    return new CommandPart({
      threadId,
      get turnId() {
        return turnId();
      },
      deliver: (event) => {
        this.#accept(event);
      },
      shared: (events) => this.host?.turns.share(threadId, turnId(), events),
    });
  }

  #createFollower(): TurnFollower {
    const state = (): TurnState => this.state;
    const adoptsStart = () => this.#identity.adoptsStart(state());
    return {
      get state() {
        return state();
      },
      get adoptsStart() {
        return adoptsStart();
      },
      // A command asks nothing; what the rest of its turn asks is not its handle's business.
      handlers: this.#command ? undefined : this.#request.handlers,
      receive: (message) => {
        this.#silence?.heard();
        // The routes know the turn; what the methods mean is the reducer's business.
        this.#inbox.receive(message as TurnEvent);
      },
      threadStatus: (status) => {
        if (status === "notLoaded") this.#command?.giveUp();
        this.#threadIsIdle = status !== "active";
        if (this.#threadIsIdle) this.#ends.suspect();
      },
      dropped: () => {
        this.#inbox.hold();
      },
      restored: async () => {
        await this.#inbox.catchUp(() => this.#read());
        this.#command?.giveUp();
        this.heard();
        if (this.#threadIsIdle && !this.#isOver()) this.#ends.suspect();
      },
      lost: (failure) => {
        // What came after the connection was back is not lost.
        this.#inbox.release(unanswered);
        this.#over(failure);
      },
    };
  }

  #deliver(event: TurnEvent): void {
    if (this.#isOver()) return;
    if (this.#command) this.#command.receive(event);
    else this.#accept(event);
  }

  #accept(received: TurnEvent): void {
    if (this.#isOver()) return;
    const event = this.#identity.translate(received);
    this.#progress.add(event);
    this.#listener.event(event);
    switch (event.method) {
      case "turn/started":
        this.#listener.running();
        break;
      case "turn/completed":
        this.#over();
        break;
      case "error":
        this.#hasFailed = !event.params.willRetry;
        if (this.#hasFailed) this.#ends.suspect();
        break;
    }
  }

  /** What the server should have sent. */
  #deliverEnd({ turn, isLast }: EndedReport): void {
    if (this.#isOver()) return;
    const { threadId } = this.#request;
    if (isLast) this.host?.gate.setRunning(threadId, false);
    const end = {
      ...turn,
      id: this.#identity.id,
      rootTurnId: null,
      itemsView: "notLoaded",
    } as const;
    this.#deliver({ method: "turn/completed", params: { threadId, turn: { ...end, items: [] } } });
  }

  #over(failure?: Failure): void {
    if (!this.#isOver()) this.#listener.over(failure);
  }

  async #read(): Promise<TurnReport> {
    const { threadId } = this.#request;
    if (!this.host) return unanswered;
    const report = await readTurn(this.host, threadId, this.#identity.id);
    if (report.state === "unknown" && report.threadIsIdle) this.#threadIsIdle = true;
    if (report.state === "running") this.#listener.running();
    return report;
  }

  /** The thread is idle, or the turn has failed, and `turn/completed` is overdue. */
  async #askForEnd(): Promise<void> {
    if (this.#inbox.isHolding() || this.#command?.outlivesTurn) return;
    const report = await this.#read();
    if (this.#isOver() || this.#inbox.isHolding()) return;
    if (report.state === "ended") this.#inbox.settle(report);
    else if (report.state === "unknown") this.#endWithout();
  }

  /** The turn is over, but the server cannot tell how it ended. */
  #endWithout(): void {
    const { threadId } = this.#request;
    const { id, error, startedAt } = this.state;
    if (this.#hasFailed) {
      const times = { startedAt, completedAt: null, durationMs: null };
      const turn = { id, status: "failed", error, ...times } as const;
      this.#inbox.settle({ state: "ended", turn, items: undefined, isLast: true });
    } else if (this.#threadIsIdle) {
      this.host?.gate.setRunning(threadId, false);
      this.#over(() => new TurnLostError(toTurnResult(this.state)));
    }
  }

  async #askWhenSilent(idleTimeoutMs: number): Promise<void> {
    const { threadId } = this.#request;
    // Whoever has to answer the server, or brings the connection back, may take longer than the turn.
    if (this.#isCutOff() || this.host?.isAsked(threadId, this.#identity.id)) return;
    const running = { state: "running", items: undefined } as const;
    const report = this.#command?.outlivesTurn ? running : await this.#read();
    if (this.#isOver() || this.#isCutOff()) return;
    if (report.state === "ended") {
      this.#inbox.settle(report);
    } else if ((this.#silence?.silentMs ?? 0) >= idleTimeoutMs) {
      const { state } = report;
      this.#listener.stalled(
        () => new TurnStalledError(idleTimeoutMs, toTurnResult(this.state), state),
      );
    }
  }
}
