import type { ThreadGoal } from "../../generated/types.js";
import { callerContext } from "../async/caller-context.js";
import { onDeadline } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";
import type { Failure, Life } from "../async/life.js";
import { settleWithin } from "../async/timers.js";
import { isDrop, TransportClosedError } from "../errors/connection-errors.js";
import { announcesTurn } from "../messages/announces-turn.js";
import type { GoalResult } from "../results/goal-result.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { GetSession, Session } from "../session/session.js";
import type { TurnFollower } from "../session/turn-follower.js";
import type { Slot } from "../session/turn-slots.js";
import { TurnExecution } from "../turns/turn-execution.js";
import { toTurnResult } from "../turns/turn-result.js";
import { GoalStalledError } from "./goal-errors.js";
import { pauseGoal, runsTurn } from "./goal-requests.js";
import { toGoalResult } from "./goal-result.js";
import {
  goalCleared,
  goalStopped,
  goalUpdated,
  initialGoalProgress,
  isActive,
  nextForGoal,
  turnEnded,
  type GoalEvent,
  type GoalProgress,
  type GoalRunState,
} from "./goal-state.js";
import { watchGoal, type GoalHappening } from "./watch-goal.js";

/** The shortest and the longest pause before the server is asked again to stop the goal (ms). */
const minPauseMs = 50;
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

/** Where a goal runs. */
export interface GoalPlace {
  readonly getSession: GetSession;
  readonly session: Session;
  readonly slot: Slot;
  readonly threadId: string;
  readonly handlers: RequestHandlers | undefined;
}

/** What comes of a goal. */
export type GoalNews =
  | { readonly type: "event"; readonly event: GoalEvent }
  /** It has come to its end, or `failure` keeps it from getting there. */
  | { readonly type: "over"; readonly failure?: Failure }
  /** The server no longer works on it, but has it as active: it is to be stopped. */
  | { readonly type: "brokeOff"; readonly failure?: Failure };

/** What becomes of a goal in the server: its turns, what is said of it between them, and its end. */
export class RunningGoal {
  readonly #place: GoalPlace;
  readonly #life: Life;
  readonly #tell: (news: GoalNews) => void;
  /** That of the call that has set the goal. */
  readonly #context = callerContext();
  #progress: GoalProgress;
  #phase: "preparing" | "set" | "stopping" = "preparing";
  /** The turn that runs; undefined between two. */
  #turn: TurnExecution | undefined;
  /** Whether that turn is nobody's, since the goal is over. */
  readonly #looks = { on: false };
  #turnStarted = new Deferred<void>();
  /** The goal left `active` while no turn ran. */
  #settledBetweenTurns = false;
  #isChecking = false;
  #isUnwanted = false;
  /** Stops waiting for the next turn, while that is expected. */
  #stopExpecting: (() => void) | undefined;
  #idleAnswers = 0;

  /** `tell` must not throw. At the end of its life nothing more is told, and all is given back. */
  constructor(place: GoalPlace, life: Life, tell: (news: GoalNews) => void) {
    this.#place = place;
    this.#life = life;
    this.#tell = tell;
    this.#progress = initialGoalProgress(place.threadId);
    life.onOver(() => {
      this.#looks.on = true;
      this.#expectNothing();
      if (this.#turn) this.#progress = turnEnded(this.#progress, toTurnResult(this.#turn.state));
    });
  }

  get session(): Session {
    return this.#place.session;
  }

  get state(): GoalRunState {
    const { threadId, goal, cleared, turns } = this.#progress;
    return { threadId, goal, cleared, turns, turn: this.#turn?.state ?? null };
  }

  /** The result as far as the goal has come, with the turn that runs. */
  get result(): GoalResult {
    // At the end it was added for good.
    if (!this.#turn || this.#life.isOver()) return toGoalResult(this.#progress);
    return toGoalResult(turnEnded(this.#progress, toTurnResult(this.#turn.state)));
  }

  /** The goal is about to be set: its turns are followed from now on. */
  begin(objective: string): void {
    const { session, threadId } = this.#place;
    const unwatch = session.turns.watch(
      threadId,
      (id, event) => (announcesTurn(event) ? this.#context(() => this.#follow(id)) : undefined),
      { asksFor: true },
    );
    this.#life.onOver(unwatch);
    const unlisten = watchGoal(session, threadId, objective, (what) => {
      this.#happened(what);
    });
    this.#life.onOver(unlisten);
  }

  /** The server has taken the goal. */
  accepted(goal: ThreadGoal): void {
    if (this.#phase !== "preparing" || this.#life.isOver()) return;
    this.#phase = "set";
    // What has been heard of it meanwhile is newer than the answer.
    if (!this.#progress.goal) this.#learn(goalUpdated(this.#progress, goal));
    this.#proceed();
  }

  /** The turn that runs, or the next one; undefined when none is to come. */
  async nextTurn(): Promise<TurnExecution | undefined> {
    while (this.#phase !== "stopping" && !this.#life.isOver()) {
      if (this.#turn) return this.#turn;
      await Promise.race([this.#turnStarted.promise, this.#life.ended]);
    }
    return undefined;
  }

  /**
   * The goal is to be stopped: its turns are from now on, one by one and at once, so that nothing that they
   * ask is approved while the server has not answered that the goal is set, or paused.
   */
  stopTurns(): void {
    this.#isUnwanted = true;
    void this.#turn?.interruptAndWait();
  }

  /**
   * Sees to it that the server does not go on with the goal, and does not rest before that is confirmed,
   * or the connection is over. `failed` is told what goes wrong meanwhile. Never rejects.
   */
  async stop(failed: (error: unknown) => void): Promise<void> {
    if (this.#life.isOver()) return;
    this.#phase = "stopping";
    this.stopTurns();
    this.#expectNothing();
    for (let pauseMs = minPauseMs; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
      try {
        while (await this.#stopMore());
        return;
      } catch (error) {
        failed(error);
        // With its process, the goal stops.
        if (error instanceof TransportClosedError && !isDrop(error)) return;
      }
      if ((await settleWithin(this.#life.over, pauseMs)) !== "timeout") return;
    }
  }

  #follow(id: string): TurnFollower {
    const { getSession, session, threadId, handlers } = this.#place;
    const looks = this.#looks;
    const start = {
      session,
      id,
      get looksOn() {
        return looks.on;
      },
    };
    const request = { threadId, start, controls: {}, handlers };
    const turn = new TurnExecution(getSession, request, {
      event: (event) => {
        // These come to the goal itself, those outside of its turns too.
        if (event.method !== "thread/goal/updated") this.#tell({ type: "event", event });
      },
      ended: (failure) => {
        this.#turnEnded(turn, failure);
      },
    });
    this.#turn = turn;
    this.#turnStarted.resolve();
    this.#turnStarted = new Deferred();
    this.#expectNothing();
    if (this.#isUnwanted) void turn.interruptAndWait();
    return turn.follower;
  }

  #turnEnded(turn: TurnExecution, failure: Failure | undefined): void {
    if (this.#turn === turn) this.#turn = undefined;
    if (this.#life.isOver()) return;
    this.#progress = turnEnded(this.#progress, toTurnResult(turn.state));
    this.#settledBetweenTurns = false;
    if (failure) this.#tell({ type: "over", failure });
    else this.#proceed();
  }

  #happened(what: GoalHappening): void {
    switch (what.type) {
      case "updated":
      case "cleared":
        this.#tell({ type: "event", event: what.event });
        this.#learn(
          what.type === "updated"
            ? goalUpdated(this.#progress, what.goal)
            : goalCleared(this.#progress),
        );
        this.#proceed();
        break;
      case "gone":
        if (!this.#turn) this.#tell({ type: "brokeOff" });
        break;
      case "lost":
        this.#tell({ type: "over", failure: what.failure });
    }
  }

  #learn(progress: GoalProgress): void {
    this.#progress = progress;
    if (!this.#turn && !isActive(progress)) this.#settledBetweenTurns = true;
  }

  /** Does what is to be done next, whenever something has changed. */
  #proceed(): void {
    if (this.#phase !== "set" || this.#life.isOver() || this.#isChecking || this.#turn) return;
    const stranger = this.#place.slot.idle();
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
        this.#tell({ type: "brokeOff" });
        break;
      case "end":
        this.#tell({ type: "over" });
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
    if (this.#idleAnswers < maxIdleAnswers) this.#expectTurn();
    else this.#tell({ type: "brokeOff", failure: () => new GoalStalledError(this.result) });
  }

  /** Asks the server whether it has neither a turn under way nor an end to tell. Never rejects. */
  async #isIdle(): Promise<boolean> {
    const { session, slot, threadId } = this.#place;
    if (slot.idle()) return false;
    try {
      if (await runsTurn(session, threadId)) return false;
      const { goal } = await session.call("thread/goal/get", { threadId });
      this.#learn(goal ? goalUpdated(this.#progress, goal) : goalCleared(this.#progress));
    } catch (error) {
      this.#tell({ type: "over", failure: () => error });
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
      this.#tell({ type: "over", failure: () => error });
    }
    this.#isChecking = false;
    this.#settledBetweenTurns = false;
    this.#proceed();
  }

  /** Whether the server has begun a turn; waits until it is announced. */
  async #isTurnComing(): Promise<boolean> {
    const { session, slot, threadId } = this.#place;
    if (!(await runsTurn(session, threadId))) return false;
    // A turn that has its slot and that is not followed here is somebody else's.
    const isOurs = !this.#turn && !slot.idle();
    if (isOurs) await settleWithin(this.#turnStarted.promise, announceGraceMs);
    return this.#turn !== undefined;
  }

  /**
   * Stops what goes on at this moment, and says whether something may be left. The turn first: a goal
   * that the model completes in the last moment must not be paused.
   */
  async #stopMore(): Promise<boolean> {
    const { session, threadId } = this.#place;
    const turn = this.#turn;
    if (turn) {
      await turn.interruptAndWait();
      if (turn.hasEnded()) return true;
    }
    // Also behind a turn that does not stop in time: the server must not begin another one after it.
    if (isActive(this.#progress)) {
      const goal = await pauseGoal(session, threadId);
      if (goal) this.#progress = goalStopped(this.#progress, goal);
      else if (!turn) return false;
    }
    if (!turn) return this.#isTurnComing();
    await Promise.race([turn.ended, this.#life.over]);
    return !this.#life.isOver();
  }
}
