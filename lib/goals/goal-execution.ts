import type { ThreadGoal } from "../../generated/types.js";
import { callerContext } from "../async/caller-context.js";
import { onDeadline } from "../async/deadline.js";
import { Deferred, ignoreRejection } from "../async/deferred.js";
import { Life, type Failure } from "../async/life.js";
import { poll } from "../async/poll.js";
import { settleWithin } from "../async/timers.js";
import { copyError, isDrop, TransportClosedError, unsent } from "../errors/connection-errors.js";
import type { StopDetails } from "../errors/result-error.js";
import { announcesTurn } from "../messages/announces-turn.js";
import type { CheckedControls } from "../options/turn-options.js";
import type { ServerNotification, TurnEvent } from "../protocol.js";
import type { GoalResult } from "../results/goal-result.js";
import type { TurnResult } from "../results/turn-result.js";
import type { TurnState } from "../results/turn-state.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { Session } from "../session/session.js";
import type { Slot } from "../session/turn-slots.js";
import type { Work } from "../session/work-under-way.js";
import { followTraced } from "../turns/follow-traced.js";
import { confirmationMs, stopGraceMs } from "../turns/machine/stop.js";
import { StopUnconfirmedError } from "../turns/turn-errors.js";
import { TurnExecution, unconfirmed } from "../turns/turn-execution.js";
import type { TurnListener } from "../turns/turn-request.js";
import { toTurnResult } from "../turns/turn-result.js";
import type { ScopedBudget } from "../usage/budget-book.js";
import { BudgetExceededError } from "../usage/budget-exceeded-error.js";
import { GoalNotStartedError, GoalStalledError, GoalTimeoutError } from "./goal-errors.js";
import { pauseGoal, runsTurn } from "./goal-requests.js";
import {
  goalCleared,
  goalUpdated,
  isActive,
  nextForGoal,
  toGoalResult,
  turnEnded,
  type GoalEvent,
  type GoalProgress,
  type GoalRunState,
} from "./goal-state.js";
import { watchGoal } from "./watch-goal.js";

/** The shortest and the longest pause before the server is asked again to stop the goal (ms). */
const pauseMs = 50;
const maxPauseMs = 5_000;

/** How long the server may take to say that a turn runs which it has begun (ms). */
const announceGraceMs = 1_000;

/**
 * How long the server may be silent between two turns before it is asked what is going on (ms). It is silent
 * there for some milliseconds, and for good when it has decided, in plan mode say, to start no more turns.
 */
const silenceMs = 2_000;

/** How often in a row it may have nothing under way, before nothing more is expected of it. */
const maxIdleAnswers = 2;

/** What is known of a goal before it is set. */
export interface GoalOrigin {
  readonly threadId: string;
  readonly controls: CheckedControls;
  readonly handlers: RequestHandlers | undefined;
}

/** Who is told of the goal's progress. None of the methods may throw. */
export interface GoalListener {
  /** The connection is there; nothing has been heard over it. */
  connected(session: Session): void;
  event(event: GoalEvent): void;
  ended(failure: Failure | undefined): void;
}

interface GoalPlace {
  readonly session: Session;
  readonly slot: Slot;
}

/**
 * A goal that is under way: follows its turns, what the server says of it between them, and its end. Lets
 * others wait for what becomes of it, and stops it. `GoalRun` is the handle that callers have on it.
 */
export class GoalExecution implements TurnListener, Work {
  readonly life = new Life();
  readonly #origin: GoalOrigin;
  readonly #listener: GoalListener | undefined;
  /** That of the call that has set the goal. */
  readonly #context = callerContext();
  readonly #accepted = new Deferred<ThreadGoal>();
  /** There from the moment when it stands in line for its thread. */
  #place: GoalPlace | undefined;
  #progress: GoalProgress;
  /** The turn that runs; undefined between two. */
  #turn: TurnExecution | undefined;
  #turnStarted = new Deferred<void>();
  /** Resolves when the server has taken the goal. */
  readonly #answered = new Deferred<void>();
  /** The attempt to stop; there is only one, and it goes on until that is confirmed. */
  #stopping: Promise<void> | undefined;
  /** The goal left `active` while no turn ran. */
  #settledBetweenTurns = false;
  #isChecking = false;
  /** The budget that was used up, and that the goal is stopped for. */
  #exceeded: ScopedBudget | undefined;
  /** Stops waiting for the next turn, while that is expected. */
  #stopExpecting: (() => void) | undefined;
  #idleAnswers = 0;

  /** Without a listener, nobody waits for it. */
  constructor(origin: GoalOrigin, listener?: GoalListener) {
    this.#origin = origin;
    this.#listener = listener;
    const { threadId } = origin;
    this.#progress = { threadId, goal: null, cleared: false, turns: [], stopped: false };
    void ignoreRejection(this.#accepted.promise);
    this.life.onOver(() => {
      this.#expectNothing();
      if (this.#turn) this.#progress = turnEnded(this.#progress, this.#resultOf(this.#turn.state));
      this.#place?.slot.leave();
    });
    this.life.limit(
      origin.controls,
      (failure) => {
        this.#cutShort(failure);
      },
      (timeoutMs) => new GoalTimeoutError(timeoutMs, this.result, this.#stopDetails()),
    );
  }

  /** Resolves when the server has taken the goal; rejects, unnoticed, when it never will. */
  get accepted(): Promise<ThreadGoal> {
    return this.#accepted.promise;
  }

  get threadId(): string {
    return this.#origin.threadId;
  }

  get turnId(): string | undefined {
    return this.#turn?.turnId;
  }

  get state(): GoalRunState {
    const { threadId, goal, cleared, turns } = this.#progress;
    return { threadId, goal, cleared, turns, turn: this.#turn?.state ?? null };
  }

  /** The result as far as the goal has come, with the turn that runs. */
  get result(): GoalResult {
    // At the end it was added for good.
    if (!this.#turn || this.life.isOver()) return toGoalResult(this.#progress);
    return toGoalResult(turnEnded(this.#progress, this.#resultOf(this.#turn.state)));
  }

  /** The connection is there, and the goal stands in line for its thread. */
  enter(session: Session, slot: Slot): void {
    this.#place = { session, slot };
    session.work.add(this);
  }

  /** The goal is about to be set: its turns are followed from now on. */
  begin(objective: string): void {
    const { threadId } = this.#origin;
    const session = this.#place?.session;
    if (!session) return;
    const unwatch = session.turns.watch(
      threadId,
      (id, event) =>
        announcesTurn(event) ? this.#context(() => this.#follow(session, id)) : undefined,
      { asksFor: true },
    );
    this.life.onOver(unwatch);
    this.life.onOver(watchGoal(session, threadId, objective, this));
  }

  take(goal: ThreadGoal): void {
    if (this.life.isOver()) return;
    this.life.reach("running");
    this.#accepted.resolve(goal);
    // What has been heard of it meanwhile is newer than the answer.
    if (!this.#progress.goal) this.#learn(goalUpdated(this.#progress, goal));
    this.#answered.resolve();
    this.#proceed();
  }

  /** The turn that runs, or the next one; undefined when none is to come. */
  async nextTurn(): Promise<TurnExecution | undefined> {
    while (!this.#stopping && !this.life.isOver()) {
      if (this.#turn) return this.#turn;
      await Promise.race([this.#turnStarted.promise, this.life.ended]);
    }
    return undefined;
  }

  /**
   * Stops the goal at any stage, and resolves when it has ended. What goes wrong is how the goal ends;
   * it goes on being stopped, and another call waits for that.
   *
   * @throws StopUnconfirmedError
   */
  async interrupt(): Promise<void> {
    if (this.life.isOver()) return;
    const stopped = this.windDown();
    const { ended } = this.life;
    const isOver = this.life.hasEnded() ? stopped : Promise.race([stopped, ended]);
    if ((await settleWithin(isOver, confirmationMs)) !== "timeout") return;
    throw new StopUnconfirmedError("goal", confirmationMs);
  }

  /** Stops the goal and waits for its end, though not for ever; it goes on being stopped. */
  async interruptAndWait(): Promise<void> {
    if (this.life.hasEnded()) return;
    void this.windDown();
    await settleWithin(this.life.ended, stopGraceMs);
  }

  /** Stops the goal, and does not rest before that is confirmed, or the connection is over. Never rejects. */
  windDown(): Promise<void> {
    if (!this.life.wasSent) this.end();
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** The goal is over. What kept it from being sent was not the end of the goal. */
  end(failure?: Failure): void {
    const { wasSent } = this.life;
    const exceeded = failure ? undefined : this.#exceeded;
    if (exceeded && toGoalResult(this.#progress).status === "interrupted") {
      failure = () => this.#exceededError(exceeded);
    }
    const toError = (reason: unknown) =>
      wasSent ? copyError(reason) : unsent(reason, "thread/goal/set");
    if (this.life.end(failure && (() => toError(failure())))) this.#told();
  }

  event(event: TurnEvent): void {
    // These come to the goal itself, those outside of its turns too.
    if (event.method !== "thread/goal/updated") this.#show(event);
  }

  ended(failure: Failure | undefined, state: TurnState): void {
    if (this.#turn?.state.id === state.id) this.#turn = undefined;
    if (this.life.isOver()) return;
    this.#progress = turnEnded(this.#progress, this.#resultOf(state));
    this.#settledBetweenTurns = false;
    if (failure) this.lost(failure);
    else this.#proceed();
  }

  /** What stops the turn stops the goal: the server would begin another turn. */
  usedUp(exceeded: ScopedBudget): boolean {
    if (this.life.isOver()) return false;
    if (this.#exceeded || this.life.hasEnded()) return true;
    this.#exceeded = exceeded;
    this.#cutShort(() => this.#exceededError(exceeded));
    return true;
  }

  updated(event: ServerNotification<"thread/goal/updated">, goal: ThreadGoal): void {
    this.#show(event);
    this.#learn(goalUpdated(this.#progress, goal));
    this.#proceed();
  }

  cleared(event: ServerNotification<"thread/goal/cleared">): void {
    this.#show(event);
    this.#learn(goalCleared(this.#progress));
    this.#proceed();
  }

  gone(): void {
    if (!this.#turn) void this.windDown();
  }

  /** Something keeps the goal from getting to its end. */
  lost(failure: Failure): void {
    // Nobody hears of it any more, but whoever wanted it to stop wants that still.
    if (this.#stopping && !isServerGone(failure())) this.#giveUp(failure);
    else this.end(failure);
  }

  #follow(session: Session, id: string): TurnExecution {
    const { threadId, handlers } = this.#origin;
    const { life } = this;
    const start = {
      session,
      id,
      // A turn that goes on behind the goal is nobody's.
      get looksOn() {
        return life.isOver();
      },
    };
    const request = { threadId, start, controls: {}, handlers };
    const turn = followTraced(request, (trace) => new TurnExecution(request, this, trace));
    this.#turn = turn;
    session.keepWithin({ threadId, turnId: id }, this.#origin.controls.budget);
    this.#turnStarted.resolve();
    this.#turnStarted = new Deferred();
    this.#expectNothing();
    if (this.#stopping) void turn.interruptAndWait();
    return turn;
  }

  #resultOf(state: TurnState): TurnResult {
    return toTurnResult(state, this.#place?.session.usage);
  }

  #stopDetails(): StopDetails {
    return { stopConfirmed: this.life.isOver(), sent: this.life.wasSent };
  }

  #exceededError({ scope, budget }: ScopedBudget): BudgetExceededError {
    const details = { ...this.#stopDetails(), goalResult: this.result };
    return new BudgetExceededError(scope, budget, details);
  }

  #show(event: GoalEvent): void {
    if (!this.life.hasEnded()) this.#listener?.event(event);
  }

  #learn(progress: GoalProgress): void {
    this.#progress = progress;
    if (!this.#turn && !isActive(progress)) this.#settledBetweenTurns = true;
  }

  /** Does what is to be done next, whenever something has changed. */
  #proceed(): void {
    const isSet = this.life.phase === "running" && !this.#stopping;
    if (!isSet || this.#isChecking || this.#turn) return;
    const stranger = this.#place?.slot.idle();
    if (stranger) {
      // Somebody's own turn came in between, and the goal goes on after it.
      void stranger.then(() => {
        this.#proceed();
      });
      return;
    }
    switch (nextForGoal(this.#progress, this.#settledBetweenTurns)) {
      case "turn":
        this.#expectTurn();
        break;
      case "question":
        void this.#checkForTurn();
        break;
      case "stop":
        void this.windDown();
        break;
      case "end":
        this.end();
    }
  }

  #expectTurn(): void {
    if (this.#stopExpecting) return;
    const ask = (): void => void this.#askWhenSilent(stopExpecting);
    const stopExpecting = onDeadline(silenceMs, ask, { unref: true });
    this.#stopExpecting = stopExpecting;
  }

  #expectNothing(): void {
    this.#stopExpecting?.();
    this.#stopExpecting = undefined;
    this.#idleAnswers = 0;
  }

  async #askWhenSilent(stopExpecting: () => void): Promise<void> {
    const isIdle = await this.#isIdle();
    if (this.#stopExpecting !== stopExpecting) return;
    this.#stopExpecting = undefined;
    this.#idleAnswers = isIdle ? this.#idleAnswers + 1 : 0;
    if (this.#idleAnswers < maxIdleAnswers) {
      this.#expectTurn();
      return;
    }
    const failure = () => new GoalStalledError(this.result);
    if (this.life.cutShort(failure)) this.#cutShort(failure);
    else void this.windDown();
  }

  /** Asks the server whether it has neither a turn under way nor an end to tell. Never rejects. */
  async #isIdle(): Promise<boolean> {
    if (!this.#place || this.#place.slot.idle()) return false;
    const { session } = this.#place;
    const { threadId } = this.#origin;
    try {
      if (await runsTurn(session, threadId)) return false;
      const { goal } = await session.call("thread/goal/get", { threadId });
      this.#learn(goal ? goalUpdated(this.#progress, goal) : goalCleared(this.#progress));
    } catch (error) {
      this.lost(() => error);
    }
    this.#proceed();
    return isActive(this.#progress) && !this.#turn;
  }

  /** The server may have begun a turn just before the goal was settled. */
  async #checkForTurn(): Promise<void> {
    this.#isChecking = true;
    try {
      await this.#isTurnComing();
    } catch (error) {
      this.lost(() => error);
    }
    this.#isChecking = false;
    this.#settledBetweenTurns = false;
    this.#proceed();
  }

  /** Whether the server has begun a turn; waits until it is announced. */
  async #isTurnComing(): Promise<boolean> {
    if (!this.#place || !(await runsTurn(this.#place.session, this.#origin.threadId))) return false;
    // A turn that has its slot and that is not followed here is somebody else's.
    const isOurs = !this.#turn && !this.#place.slot.idle();
    if (isOurs) await settleWithin(this.#turnStarted.promise, announceGraceMs);
    return this.#turn !== undefined;
  }

  /**
   * Its turns are stopped one by one and at once, so that nothing that they ask is approved while the server
   * has not answered that the goal is set, or paused.
   */
  async #stop(): Promise<void> {
    void this.#turn?.interruptAndWait();
    await Promise.race([this.#answered.promise, this.life.over]);
    this.#expectNothing();
    const attempt = async (): Promise<true | undefined> => {
      try {
        while (!this.life.isOver() && (await this.#stopMore()));
        return true;
      } catch (error) {
        this.#giveUp(() => error);
        // Nobody was told anything of one that nobody waits for: no turn goes before it is stopped.
        if (this.#listener) this.#place?.slot.leave();
        // With its process, the goal stops.
        return isServerGone(error) || this.life.isOver() || undefined;
      }
    };
    await poll(attempt, { pauseMs, maxPauseMs, wake: this.life.over });
    this.end();
  }

  /**
   * Stops what goes on at this moment, and says whether something may be left. The turn first: a goal
   * that the model completes in the last moment must not be paused.
   */
  async #stopMore(): Promise<boolean> {
    if (!this.#place) return false;
    const turn = this.#turn;
    if (turn) {
      await turn.interruptAndWait();
      if (turn.life.hasEnded()) return true;
    }
    // Also behind a turn that does not stop in time: the server must not begin another one after it.
    if (isActive(this.#progress)) {
      const goal = await pauseGoal(this.#place.session, this.#origin.threadId);
      if (goal) this.#progress = { ...goalUpdated(this.#progress, goal), stopped: true };
      else if (!turn) return false;
    }
    if (!turn) return this.#isTurnComing();
    await Promise.race([turn.life.ended, this.life.over]);
    return !this.life.isOver();
  }

  #cutShort(failure: Failure): void {
    if (!this.life.wasSent) this.end(failure);
    void this.interruptAndWait().then(() => {
      this.#giveUp(failure);
    });
  }

  /** Tells the waiters, though the goal may go on; it goes on being stopped. */
  #giveUp(failure: Failure): void {
    const isSet = this.life.phase === "running";
    if (!this.life.tell(() => copyError(failure()))) return;
    this.#place?.session.logger.warn(unconfirmed("goal"));
    this.#told();
    // What is not answered may yet begin a turn, which the next one would become part of.
    if (isSet) this.#place?.slot.leave();
  }

  /** Tells those who wait for the goal how it has ended. */
  #told(): void {
    const { failure } = this.life;
    // Once it is accepted, that changes nothing.
    this.#accepted.reject(failure ? failure() : new GoalNotStartedError());
    this.#listener?.ended(failure);
  }
}

function isServerGone(error: unknown): boolean {
  return error instanceof TransportClosedError && !isDrop(error);
}
