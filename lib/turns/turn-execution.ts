import { callerContext, type CallerContext } from "../async/caller-context.js";
import { Deferred, ignoreRejection } from "../async/deferred.js";
import { Life, type Failure } from "../async/life.js";
import { NamedTimers } from "../async/named-timers.js";
import { settleWithin } from "../async/timers.js";
import type { TracedTurn } from "../diagnostics/turn-operation.js";
import { unsent } from "../errors/connection-errors.js";
import type { StopDetails } from "../errors/result-error.js";
import { TurnDetachedError } from "../errors/turn-detached-error.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { isAtRest } from "../messages/thread-status.js";
import type { TurnEvent } from "../protocol.js";
import type { TurnResult } from "../results/turn-result.js";
import type { TurnState } from "../results/turn-state.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { Session } from "../session/session.js";
import type { TurnFollower } from "../session/turn-follower.js";
import type { Work } from "../session/work-under-way.js";
import type { ScopedBudget } from "../usage/budget-book.js";
import { BudgetExceededError } from "../usage/budget-exceeded-error.js";
import { untilFree } from "./ask-server.js";
import { BudgetStop } from "./budget-stop.js";
import { IdleTimer } from "./idle-timer.js";
import { interruptTurn } from "./interrupt-turn.js";
import {
  foundTurn,
  newTurn,
  phaseOf,
  soughtTurn,
  type TurnEffect,
  type TurnEnd,
  type TurnFacts,
  type TurnHappening,
  type TurnTimer,
} from "./machine/facts.js";
import { nextStep } from "./machine/next-step.js";
import { confirmationMs, runningGraceMs, stopGraceMs } from "./machine/stop.js";
import { readTurn, unanswered, type TurnReport } from "./read-stored-turn.js";
import { RunningTurn } from "./running-turn.js";
import {
  StopUnconfirmedError,
  TurnLostError,
  TurnNotStartedError,
  TurnStalledError,
  TurnTimeoutError,
  type StallProbe,
} from "./turn-errors.js";
import type { TurnListener, TurnRequest } from "./turn-request.js";
import { toTurnResult } from "./turn-result.js";
import type { TurnTrace } from "./turn-trace.js";

export function unconfirmed(what: "turn" | "goal"): string {
  return `A ${what} was given up, and the server has not confirmed that it stopped. This client goes on stopping it.`;
}

/**
 * Carries out the life of one turn: `nextStep()` says what follows from what happens, and it is done here.
 * The routes see it as a follower of the turn, and tell it most of that. Lets others wait for what becomes
 * of the turn, and stop it. `Turn` is the handle that callers have on it.
 */
export class TurnExecution implements TurnFollower, Work {
  readonly life = new Life();
  readonly handlers: RequestHandlers | undefined;
  readonly context: CallerContext | undefined;
  readonly #request: TurnRequest;
  readonly #listener: TurnListener;
  readonly #trace: TurnTrace | undefined;
  readonly #running: RunningTurn;
  readonly #silence: IdleTimer | undefined;
  readonly #timers = new NamedTimers<TurnTimer>();
  readonly #budgetStop: BudgetStop;
  readonly #accepted = new Deferred<{ readonly id: string }>();
  readonly #begun = new Deferred<void>();
  readonly #left = new Deferred<void>();
  /** Resolves when the turn has been silent for too long the next time. */
  #stalled = new Deferred<Failure>();
  /** Resolves when the server has answered the attempt to stop the turn: with why it did not agree. */
  #stopAnswer = new Deferred<Failure | undefined>();
  /** Resolves when the server has answered what it was asked about the turn. */
  #answered: Promise<void> = Promise.resolve();
  #turn: TurnFacts;
  #session: Session | undefined;

  /** `trace`: shows the turn on its tracing channel, where it has begun. */
  constructor(request: TurnRequest, listener: TurnListener, trace?: TurnTrace) {
    const { start, controls, handlers } = request;
    this.#request = request;
    this.#listener = listener;
    this.#trace = trace;
    // A command asks nothing. Should it be part of another turn, what that asks is not its handle's business.
    const isCommand = "send" in start && start.method === "thread/shellCommand";
    this.handlers = isCommand ? undefined : handlers;
    this.context = isCommand || this.looksOn ? undefined : callerContext();
    this.#running = new RunningTurn(request, listener, this.life, trace);
    const { idleTimeoutMs } = controls;
    if (idleTimeoutMs !== undefined) {
      this.#silence = new IdleTimer(idleTimeoutMs, () => this.#silent());
    }
    this.#turn = beginningOf(request);
    void ignoreRejection(this.#accepted.promise);
    this.life.onOver(() => {
      this.#timers.stopAll();
      this.#silence?.stop();
      this.#session?.turns.unfollow(request.threadId, this.#running.id, this);
    });
    const cutShort = (): void => {
      this.happened({ type: "cutShort" });
    };
    this.#budgetStop = new BudgetStop(this.life, cutShort);
    this.life.limit(
      controls,
      cutShort,
      (timeoutMs) => new TurnTimeoutError(timeoutMs, this.#result(), this.#stopDetails()),
    );
    if ("session" in start) this.#follow(start.session, start.id);
  }

  get facts(): TurnFacts {
    return this.#turn;
  }

  get state(): TurnState {
    return this.#running.state;
  }

  get operation(): TracedTurn | undefined {
    return this.#trace?.operation;
  }

  get threadId(): string {
    return this.#request.threadId;
  }

  get turnId(): string | undefined {
    return this.#running.id === "" ? undefined : this.#running.id;
  }

  /** The connection that runs the turn; undefined until it is there. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Resolves when the server has named the turn; rejects, unnoticed, when it never will. */
  get accepted(): Promise<{ readonly id: string }> {
    return this.#accepted.promise;
  }

  /** Resolves when the next turn may go onto the thread, although this one is not over. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /**
   * Waits for the end, for a period of silence at the most when the turn has an `idleTimeoutMs`.
   *
   * @throws TurnStalledError
   */
  async untilEnded(): Promise<void> {
    this.heard();
    const stalled = await Promise.race([this.life.ended, this.#stalled.promise]);
    if (stalled && !this.life.hasEnded()) throw stalled();
  }

  /** A sub-agent was heard, or somebody begins to wait: `idleTimeoutMs` counts anew. */
  heard(): void {
    this.#silence?.heard();
  }

  /**
   * Resolves when the turn can be steered. Of a turn that somebody else has started, and that this
   * one turned out to steer, the server does not say again that it runs: hence the limit.
   */
  async untilRunning(): Promise<void> {
    await settleWithin(Promise.race([this.#begun.promise, this.life.ended]), runningGraceMs);
  }

  /**
   * Stops the turn at any stage; concurrent calls share one attempt.
   *
   * @throws StopUnconfirmedError, or what the server refuses it with.
   */
  async interrupt(): Promise<void> {
    const answer = Promise.race([this.#stopAnswer.promise, this.life.over]);
    this.happened({ type: "stopAsked", insist: false });
    const failure = await settleWithin(answer, confirmationMs);
    if (failure === "timeout") throw new StopUnconfirmedError("turn", confirmationMs);
    if (failure) throw failure();
  }

  /** Stops the turn and waits for its end, though not for ever; it goes on being stopped. */
  async interruptAndWait(): Promise<void> {
    if (this.life.hasEnded()) return;
    this.happened({ type: "stopAsked", insist: true });
    await settleWithin(this.life.ended, stopGraceMs);
  }

  /** Stops a turn that nobody waits for. Resolves when the next one may go onto the thread; never rejects. */
  async stopUnwatched(): Promise<void> {
    this.happened({ type: "givenUp" });
    await Promise.race([this.left, this.life.over]);
  }

  connected(session: Session): void {
    this.#session = session;
    const { operation } = this;
    if (operation) operation.model ??= session.memory.modelOf(this.threadId);
    this.#running.countWith(session.usage);
    if ("send" in this.#request.start) session.work.add(this);
    this.#listener.connected?.(session, this);
  }

  named(id: string): void {
    this.#running.id = id;
    if (this.operation) this.operation.turnId = id;
    this.#accepted.resolve({ id });
    const { start, threadId, controls } = this.#request;
    // Who has found a turn among the events keeps it within what it has itself.
    if (!("session" in start)) this.#session?.keepWithin({ threadId, turnId: id }, controls.budget);
  }

  /** The input has become a part of a turn that runs already: it goes on from where that stands. */
  joined(state: TurnState): void {
    if (this.operation) this.operation.joined = true;
    this.#running.state = state;
    this.#listener.joined?.(state);
    this.happened({ type: "started" });
  }

  get looksOn(): boolean {
    const { start } = this.#request;
    return "looksOn" in start && (start.looksOn ?? false);
  }

  get adoptsStart(): boolean {
    return this.#running.adoptsStart;
  }

  get isStopping(): boolean {
    return this.#turn.stop !== "unwanted" && !this.#isShared();
  }

  receive(message: NotificationMessage): void {
    this.#silence?.heard();
    // The routes know the turn; what the methods mean is the reducer's business.
    const happenings = this.#running.receive(message as TurnEvent);
    if (message.method === "item/started") this.#budgetStop.goesOn();
    if (happenings.length > 0) this.happened(...happenings);
  }

  usedUp(exceeded: ScopedBudget): boolean {
    if ("session" in this.#request.start) return this.#listener.usedUp?.(exceeded) ?? false;
    if (this.life.isOver()) return false;
    if (!this.life.hasEnded()) this.#budgetStop.usedUp(exceeded, this.state);
    return true;
  }

  threadStatus(status: string): void {
    this.happened({ type: "threadStatus", isIdle: isAtRest(status) });
  }

  dropped(): void {
    this.#running.hold(this.#session?.backlogs);
    this.happened({ type: "dropped" });
  }

  /** Reads what was missed while the connection was away, unless that is `known`. */
  async restored(isResumed: boolean, known?: TurnReport): Promise<void> {
    const { losses } = this.#running;
    const report = known ?? (await this.#read());
    // Lost again: what was read may be old by the time when the connection is back.
    if (losses !== this.#running.losses) return;
    this.happened(...this.#running.release(this.#noted(report)));
    this.heard();
    if (isResumed) this.happened({ type: "caughtUp", report });
    else this.#lost(() => new TurnDetachedError("lost"));
  }

  lost(failure: Failure): void {
    // What came after the connection was back is not lost.
    this.happened(...this.#running.release(unanswered));
    this.#lost(failure);
  }

  happened(...happenings: readonly TurnHappening[]): void {
    for (const happening of happenings) {
      const { turn, effects } = nextStep(this.#turn, happening);
      this.#turn = turn;
      const phase = phaseOf(turn);
      if (phase !== "ending" && phase !== "over") this.life.reach(phase);
      for (const effect of effects) if (!this.life.isOver()) this.#perform(effect);
    }
  }

  /** Somebody else has started the turn, and it is the routes that brought it here. */
  #follow(session: Session, id: string): void {
    this.connected(session);
    this.named(id);
    this.life.reach("running");
    this.#silence?.begin();
    this.#begun.resolve();
  }

  #stopDetails(): StopDetails {
    const stopConfirmed = this.life.isOver() || this.#turn.stop === "confirmed";
    return { stopConfirmed, sent: this.life.wasSent };
  }

  /** What those who wait are rejected with when the turn was stopped for a budget. */
  #overBudget(): Failure | undefined {
    const { exceeded } = this.#budgetStop;
    if (!exceeded) return undefined;
    const { scope, budget } = exceeded;
    return () =>
      new BudgetExceededError(scope, budget, { ...this.#stopDetails(), result: this.#result() });
  }

  /** The result so far. */
  #result(): TurnResult {
    return toTurnResult(this.state, this.#session?.usage);
  }

  #lost(failure: Failure): void {
    this.happened({ type: "lost", failure, isDetached: failure() instanceof TurnDetachedError });
  }

  #perform(effect: TurnEffect): void {
    switch (effect.do) {
      case "run":
        this.#begun.resolve();
        break;
      case "watchSilence":
        this.#silence?.begin();
        break;
      case "ignoreSilence":
        this.#silence?.stop();
        break;
      case "wait":
        this.#timers.set(effect.for, effect.ms, () => {
          this.happened({ type: effect.for });
        });
        break;
      case "stopWaiting":
        this.#timers.stop(effect.for);
        break;
      case "ask":
        this.#answered = this.#ask();
        break;
      case "settle":
        this.happened(...this.#running.settle(effect.report));
        break;
      case "settleAsFailed":
        this.#threadIsIdle();
        this.happened(...this.#running.settleAsFailed());
        break;
      case "tellStalled":
        this.#tellStalled(effect.probe);
        break;
      case "interrupt":
        void this.#interrupt();
        break;
      case "answerStop":
        this.#stopAnswer.resolve(effect.failure);
        this.#stopAnswer = new Deferred();
        break;
      case "warn":
        this.#session?.logger.warn(unconfirmed("turn"));
        break;
      case "awaitThread":
        void this.#awaitThread();
        break;
      case "leaveThread":
        this.#left.resolve();
        break;
      case "tell":
        if (this.life.tell(effect.failure ?? this.#overBudget())) this.#told();
        break;
      case "end":
        this.#end(effect.with);
        break;
    }
  }

  async #ask(): Promise<void> {
    const report = await this.#read();
    const { idleTimeoutMs = Infinity } = this.#request.controls;
    const isSilent = (this.#silence?.silentMs ?? 0) >= idleTimeoutMs;
    this.happened({ type: "told", report: this.#noted(report), isSilent });
  }

  async #read(): Promise<TurnReport> {
    if (!this.#session) return unanswered;
    return readTurn(this.#session, this.#request.threadId, this.#running.id);
  }

  /** A turn that has ended though the server never said so keeps nobody waiting any more. */
  #noted(report: TurnReport): TurnReport {
    if (report.state === "ended" && report.isLast && !this.life.isOver()) this.#threadIsIdle();
    return report;
  }

  #threadIsIdle(): void {
    this.#session?.thread(this.#request.threadId).slots.setRunning(false);
  }

  /** Whoever has to answer the server, or brings the connection back, may take longer than the turn. */
  async #silent(): Promise<void> {
    if (this.#session?.requests.isAsked(this.#request.threadId, this.#running.id)) return;
    this.happened({ type: "silent" });
    await this.#answered;
  }

  #tellStalled(probe: StallProbe): void {
    const { idleTimeoutMs = Infinity } = this.#request.controls;
    const failure = () => new TurnStalledError(idleTimeoutMs, this.#result(), probe);
    this.#stalled.resolve(failure);
    this.#stalled = new Deferred();
    this.#listener.stalled?.(failure);
  }

  async #interrupt(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    // However long that takes: the turn runs on meanwhile.
    await Promise.race([session.available(), this.life.over]).catch(() => undefined);
    const { runningId } = this.#running;
    const isWorthIt = !this.life.isOver() && !this.#isShared();
    const outcome = isWorthIt
      ? await interruptTurn(session, this.#request.threadId, runningId, this.life.over)
      : ({ type: "interruptConfirmed" } as const);
    this.happened(outcome);
  }

  /** Whether the input of a later turn has become part of this one, which is not worth stopping that for. */
  #isShared(): boolean {
    const { threadId } = this.#request;
    const followers = this.#session?.turns.followersOf(threadId, this.#running.id) ?? [];
    return this.#turn.hasLeft && followers.length > 1;
  }

  async #awaitThread(): Promise<void> {
    const { threadId } = this.#request;
    if (this.#session)
      await untilFree(this.#session, threadId, this.life, () => this.#turn.hasBegun);
    this.happened({ type: "threadFree" });
  }

  #end(end: TurnEnd): void {
    if (end === "unsent") this.#running.state = { ...this.state, status: "interrupted" };
    if (this.life.end(this.#failureOf(end))) this.#told();
    this.#trace?.ended(this.state, this.life.failure);
  }

  #failureOf(end: TurnEnd): Failure | undefined {
    if (end === "itsResult" || end === "unsent") {
      // One that came to its own end, though it has used more than it may, has its result.
      return this.state.status === "interrupted" ? this.#overBudget() : undefined;
    }
    if (end === "lost") {
      this.#threadIsIdle();
      return () => new TurnLostError(this.#result());
    }
    const { start } = this.#request;
    // What kept a turn from being sent was not the end of the turn.
    if (this.life.wasSent || !("send" in start)) return end.failure;
    return () => unsent(end.failure(), start.method);
  }

  /** Of an end that was read, and not heard, nobody else knows. */
  #tellEnd(): void {
    const { id, threadId, status, startedAt, completedAt: endedAt } = this.state;
    if (id === "" || status === "inProgress") return;
    this.#session?.turnEnded({ threadId, turnId: id }, { status, startedAt, endedAt });
  }

  /** Tells those who wait for the turn how it has ended. */
  #told(): void {
    const { failure } = this.life;
    this.#tellEnd();
    if (this.#running.id === "") {
      this.#accepted.reject(failure ? failure() : new TurnNotStartedError());
    }
    this.#listener.ended(failure, this.state);
  }
}

function beginningOf({ start, controls }: TurnRequest): TurnFacts {
  if ("session" in start) return foundTurn(start.hasBegun ?? true);
  // With a signal that is aborted already, nothing is looked for.
  return "sought" in start && !controls.signal?.aborted ? soughtTurn : newTurn;
}
