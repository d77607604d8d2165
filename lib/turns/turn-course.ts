import { callerContext } from "../async/caller-context.js";
import { TurnDetachedError } from "../errors/turn-detached-error.js";
import type { Session } from "../session/session.js";
import type { TurnFollower } from "../session/turn-follower.js";
import type { TurnEvent } from "../protocol.js";
import { CommandPart } from "./command-part.js";
import { followRest } from "./command-rest.js";
import type { Failure, TurnRequest } from "./turn-request.js";
import { TurnIdentity } from "./turn-identity.js";
import { TurnInbox } from "./turn-inbox.js";
import { TurnInquiry } from "./turn-inquiry.js";
import { TurnProgress } from "./turn-progress.js";
import { unanswered, type EndedReport } from "./turn-reconcile.js";
import type { TurnState } from "../results/turn-state.js";

/** Who is told of a turn's course. None of the functions may throw. */
interface TurnCourseListener {
  /** Whether somebody wants the turn to stop: whatever it asks is refused then. */
  isStopping(): boolean;
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
  session: Session | undefined;
  readonly #request: TurnRequest;
  readonly #listener: TurnCourseListener;
  readonly #progress: TurnProgress;
  readonly #identity: TurnIdentity;
  readonly #inbox: TurnInbox;
  /** There for a shell command, which may be a part of the turn only. */
  readonly #command: CommandPart | undefined;
  readonly #inquiry: TurnInquiry;
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
    this.#inquiry = this.#createInquiry(controls.idleTimeoutMs);
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
    if (isSent) this.#inquiry.begin();
  }

  named(id: string): void {
    this.#identity.id = id;
    this.#isAway = false;
    this.heard();
    this.state = { ...this.state, id };
  }

  /** A sub-agent of the turn has been heard, or somebody begins to wait: silence counts anew. */
  heard(): void {
    this.#inquiry.heard();
  }

  /** The server refuses to stop the turn, as if it did not run: it is asked what has become of it. */
  refusedToStop(hasBegun: boolean): void {
    void this.#inquiry.refusedToStop(hasBegun);
  }

  /** Nobody waits for it any more, but for its end. */
  giveUp(): void {
    this.#inquiry.endSilence();
  }

  /** Nobody is interested any more. */
  end(): void {
    this.#phase = "over";
    this.#inquiry.stop();
    this.#command?.stop();
    this.#inbox.close();
  }

  #isOver(): boolean {
    return this.#phase === "over";
  }

  #createOwner() {
    const state = (): TurnState => this.state;
    const backlogs = () => this.session?.backlogs;
    return {
      get state() {
        return state();
      },
      get backlogs() {
        return backlogs();
      },
      deliver: (event: TurnEvent) => {
        this.#deliver(event);
      },
      end: (report: EndedReport) => {
        this.#deliverEnd(report);
      },
    };
  }

  #createInquiry(idleTimeoutMs: number | undefined): TurnInquiry {
    return new TurnInquiry(
      {
        threadId: this.#request.threadId,
        inbox: this.#inbox,
        session: () => this.session,
        state: () => this.state,
        isOver: () => this.#isOver(),
        isAway: () => this.#isAway,
        outlivesTurn: () => this.#command?.outlivesTurn ?? false,
        running: () => {
          this.#listener.running();
        },
        over: (failure) => {
          this.#over(failure);
        },
        stalled: (failure) => {
          this.#listener.stalled(failure);
        },
      },
      idleTimeoutMs,
    );
  }

  #createCommand(): CommandPart {
    const { threadId } = this.#request;
    const turnId = (): string => this.#identity.id;
    const command = new CommandPart({
      threadId,
      get turnId() {
        return turnId();
      },
      deliver: (event) => {
        this.#accept(event);
      },
      shared: (events) => this.session?.turns.share(threadId, turnId(), events),
      outlived: () => {
        this.#inquiry.outlived();
      },
      leaving: () => {
        if (this.session) followRest(this.session, this.state, command);
      },
      isHolding: () => this.#inbox.isHolding(),
    });
    return command;
  }

  #createFollower(): TurnFollower {
    const state = (): TurnState => this.state;
    const adoptsStart = () => this.#identity.adoptsStart(state());
    const { start, handlers } = this.#request;
    const isCommand = this.#command !== undefined;
    const isStopping = (): boolean => this.#listener.isStopping();
    const looksOn = "looksOn" in start && start.looksOn;
    return {
      get state() {
        return state();
      },
      get adoptsStart() {
        return adoptsStart();
      },
      get looksOn() {
        return "looksOn" in start && start.looksOn;
      },
      // A command asks nothing; what the rest of its turn asks is not its handle's business.
      handlers: isCommand ? undefined : handlers,
      context: isCommand || looksOn ? undefined : callerContext(),
      get isStopping() {
        return !isCommand && isStopping();
      },
      receive: (message) => {
        this.#inquiry.heard();
        // The routes know the turn; what the methods mean is the reducer's business.
        this.#inbox.receive(message as TurnEvent);
      },
      threadStatus: (status) => {
        if (status === "notLoaded") this.#command?.giveUp();
        this.#inquiry.threadStatus(status);
      },
      dropped: () => {
        this.#inbox.hold();
      },
      restored: (isResumed) => this.#catchUp(isResumed),
      lost: (failure) => {
        // What came after the connection was back is not lost.
        this.#inbox.release(unanswered);
        this.#over(failure);
      },
    };
  }

  /** Reads what was missed while the connection was away. */
  async #catchUp(isResumed: boolean): Promise<void> {
    const report = await this.#inbox.catchUp(() => this.#inquiry.read());
    this.#command?.giveUp();
    this.heard();
    if (this.#isOver() || this.#inbox.isHolding()) return;
    if (isResumed) this.#inquiry.caughtUp(report);
    else this.#over(() => new TurnDetachedError("lost"));
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
        this.#inquiry.failed(!event.params.willRetry);
        break;
    }
  }

  /** What the server should have sent. */
  #deliverEnd({ turn, isLast }: EndedReport): void {
    if (this.#isOver()) return;
    const { threadId } = this.#request;
    if (isLast) this.session?.thread(threadId).slots.setRunning(false);
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
}
