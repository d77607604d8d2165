import type { ThreadGoal } from "../../generated/types.js";
import { Deferred } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { isDrop, TransportClosedError } from "../errors/connection-errors.js";
import { GoalStalledError } from "./goal-errors.js";
import type { GetSession, Session } from "../session/session.js";
import type { Slot } from "../session/turn-slots.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { TurnExecution } from "../turns/turn-execution.js";
import type { Failure } from "../turns/turn-request.js";
import { toTurnResult } from "../turns/turn-result.js";
import { type TurnResult } from "../results/turn-result.js";
import { pauseGoal, runsTurn } from "./goal-requests.js";
import { toGoalResult } from "./goal-result.js";
import { type GoalResult } from "../results/goal-result.js";
import { GoalSilence } from "./goal-silence.js";
import {
  brokeOff,
  goalCleared,
  goalStopped,
  goalUpdated,
  initialGoalProgress,
  isActive,
  turnEnded,
  type GoalEvent,
  type GoalProgress,
  type GoalRunState,
} from "./goal-state.js";
import { GoalTurns } from "./goal-turns.js";
import { GoalWatch } from "./goal-watch.js";

/** The shortest and the longest pause before the server is asked again to stop the goal (ms). */
const minPauseMs = 50;
const maxPauseMs = 5_000;

/** Where a goal runs. */
export interface GoalPlace {
  readonly getSession: GetSession;
  readonly session: Session;
  readonly slot: Slot;
  readonly threadId: string;
  readonly handlers: RequestHandlers | undefined;
}

/** Who is told of a goal's course. None of the functions may throw. */
interface GoalCourseListener {
  event(event: GoalEvent): void;
  /** It has come to its end, or `failure` keeps it from getting there. */
  over(failure?: Failure): void;
  /** The server no longer works on it, but has it as active: it is to be stopped. */
  brokeOff(failure?: Failure): void;
}

/** What becomes of a goal in the server: its turns, what is said of it between them, and its end. */
export class GoalCourse {
  readonly #place: GoalPlace;
  readonly #listener: GoalCourseListener;
  readonly #turns: GoalTurns;
  readonly #watch: GoalWatch;
  readonly #silence: GoalSilence;
  readonly #ended: Promise<void>;
  readonly #over = new Deferred<void>();
  #unwatchTurns: () => void = () => undefined;
  #progress: GoalProgress;
  #phase: "preparing" | "set" | "stopping" | "over" = "preparing";
  /** The goal left `active` while no turn ran. */
  #settledBetweenTurns = false;
  #checking = false;
  #isUnwanted = false;

  /** `ended` resolves when nobody is interested any more. */
  constructor(place: GoalPlace, ended: Promise<void>, listener: GoalCourseListener) {
    const { getSession, session, threadId, handlers } = place;
    this.#place = place;
    this.#ended = ended;
    this.#listener = listener;
    this.#progress = initialGoalProgress(threadId);
    this.#silence = new GoalSilence(
      () => this.#isIdle(),
      () => {
        listener.brokeOff(() => new GoalStalledError(this.result));
      },
    );
    this.#turns = new GoalTurns(getSession, threadId, handlers, {
      started: (turn) => {
        this.#silence.end();
        if (this.#isUnwanted) void turn.interruptAndWait();
      },
      event: (event) => {
        listener.event(event);
      },
      ended: (turn, failure) => {
        this.#turnEnded(turn, failure);
      },
    });
    this.#watch = this.#createWatch(session);
  }

  get session(): Session {
    return this.#place.session;
  }

  get state(): GoalRunState {
    const { threadId, goal, cleared, turns } = this.#progress;
    return { threadId, goal, cleared, turns, turn: this.#turns.state };
  }

  /** The result as far as the goal has come, with the turn that runs. */
  get result(): GoalResult {
    const { running } = this.#turns;
    // At the end it was added for good.
    if (!running || this.#isOver()) return toGoalResult(this.#progress);
    return toGoalResult(turnEnded(this.#progress, toTurnResult(running.state)));
  }

  /** The goal is about to be set. */
  begin(objective: string): void {
    this.#unwatchTurns = this.#turns.watch(this.#place.session);
    this.#watch.begin(objective);
  }

  /** The server has taken the goal. */
  accepted(goal: ThreadGoal): void {
    if (this.#phase !== "preparing") return;
    this.#phase = "set";
    // What has been heard of it meanwhile is newer than the answer.
    if (!this.#progress.goal) this.#learn(goalUpdated(this.#progress, goal));
    this.#proceed();
  }

  /** The turn that runs, or the next one; undefined when none is to come. */
  async nextTurn(): Promise<TurnExecution | undefined> {
    while (this.#phase === "preparing" || this.#phase === "set") {
      if (this.#turns.running) return this.#turns.running;
      await Promise.race([this.#turns.nextStart, this.#ended]);
    }
    return undefined;
  }

  /**
   * The goal is to be stopped: its turns are from now on, one by one and at once, so that nothing that they
   * ask is approved while the server has not answered that the goal is set, or paused.
   */
  stopTurns(): void {
    this.#isUnwanted = true;
    void this.#turns.running?.interruptAndWait();
  }

  /**
   * Sees to it that the server does not go on with the goal, and does not rest before that is confirmed,
   * or the connection is over. `failed` is told what goes wrong meanwhile. Never rejects.
   */
  async stop(failed: (error: unknown) => void): Promise<void> {
    if (this.#phase === "over") return;
    this.#phase = "stopping";
    this.stopTurns();
    this.#silence.end();
    for (let pauseMs = minPauseMs; !this.#isOver(); pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
      try {
        while (await this.#stopMore());
        return;
      } catch (error) {
        failed(error);
        // With its process, the goal stops.
        if (error instanceof TransportClosedError && !isDrop(error)) return;
      }
      await settleWithin(this.#over.promise, pauseMs);
    }
  }

  /** Whatever is still to come, nobody listens any more. */
  end(): void {
    if (this.#isOver()) return;
    this.#phase = "over";
    this.#over.resolve();
    this.#silence.end();
    this.#watch.stop();
    this.#unwatchTurns();
    const { running } = this.#turns;
    if (running) this.#progress = turnEnded(this.#progress, toTurnResult(running.state));
  }

  #isOver(): boolean {
    return this.#phase === "over";
  }

  #createWatch(session: Session): GoalWatch {
    const changed = (event: GoalEvent, progress: GoalProgress): void => {
      this.#listener.event(event);
      this.#learn(progress);
      this.#proceed();
    };
    return new GoalWatch(session, this.#place.threadId, {
      updated: (event, goal) => {
        changed(event, goalUpdated(this.#progress, goal));
      },
      cleared: (event) => {
        changed(event, goalCleared(this.#progress));
      },
      gone: () => {
        if (!this.#turns.running) this.#listener.brokeOff();
      },
      lost: (failure) => {
        this.#listener.over(failure);
      },
    });
  }

  #learn(progress: GoalProgress): void {
    this.#progress = progress;
    if (!this.#turns.running && !isActive(progress)) this.#settledBetweenTurns = true;
  }

  #turnEnded(turn: TurnResult, failure: Failure | undefined): void {
    if (this.#phase === "over") return;
    this.#progress = turnEnded(this.#progress, turn);
    this.#settledBetweenTurns = false;
    if (failure) this.#listener.over(failure);
    else this.#proceed();
  }

  /** Does what is to be done next, whenever something has changed. */
  #proceed(): void {
    if (this.#phase !== "set" || this.#checking || this.#turns.running) return;
    const stranger = this.#place.slot.idle();
    if (stranger) {
      // Somebody's own turn came in between, and the goal goes on after it.
      void stranger.then(() => {
        this.#proceed();
      });
    } else if (isActive(this.#progress)) {
      // After a turn that was cut short the server waits for the end of another one to go on.
      if (brokeOff(this.#progress)) this.#listener.brokeOff();
      else this.#silence.begin();
    } else if (this.#settledBetweenTurns) {
      void this.#checkForTurn();
    } else {
      this.#listener.over();
    }
  }

  /** The server may have begun a turn just before the goal was settled. */
  async #checkForTurn(): Promise<void> {
    const { session, slot } = this.#place;
    this.#checking = true;
    try {
      await this.#turns.isComing(session, slot);
    } catch (error) {
      this.#listener.over(() => error);
    }
    this.#checking = false;
    this.#settledBetweenTurns = false;
    this.#proceed();
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
      this.#listener.over(() => error);
    }
    this.#proceed();
    return isActive(this.#progress) && !this.#turns.running;
  }

  /**
   * Stops what goes on at this moment, and says whether something may be left. The turn first: a goal
   * that the model completes in the last moment must not be paused.
   */
  async #stopMore(): Promise<boolean> {
    const { session, slot, threadId } = this.#place;
    const turn = this.#turns.running;
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
    if (!turn) return this.#turns.isComing(session, slot);
    await Promise.race([turn.ended, this.#over.promise]);
    return !this.#isOver();
  }
}
