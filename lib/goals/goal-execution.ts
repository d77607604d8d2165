import type { ThreadGoal } from "../../generated/types.js";
import { reasonOf } from "../async/abort.js";
import { Deferred, ignoreRejection } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { isDrop, copyError, TransportClosedError, unsent } from "../errors/connection-errors.js";
import { GoalNotStartedError, GoalTimeoutError } from "./goal-errors.js";
import { StopUnconfirmedError } from "../turns/turn-errors.js";
import type { GetSession, Session } from "../session/session.js";
import type { Slot } from "../session/turn-slots.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import { busyError } from "../session/busy-error.js";
import type { TurnExecution } from "../turns/turn-execution.js";
import type { Failure } from "../turns/turn-request.js";
import type { TurnControls } from "../options/turn-options.js";
import { watchForStops } from "../turns/turn-stops.js";
import { GoalCourse } from "./goal-course.js";
import type { GoalSettings } from "../options/goal-options.js";
import { clearOldGoal, setGoal } from "./goal-requests.js";
import { toGoalResult } from "./goal-result.js";
import { type GoalResult } from "../results/goal-result.js";
import { initialGoalProgress, type GoalEvent, type GoalRunState } from "./goal-state.js";
import { setGoalInTime } from "./late-goal.js";

/**
 * How long a goal that is being stopped may take to end before its waiters are told that it was given
 * up (ms). It goes on being stopped.
 */
const stopGraceMs = 10_000;

/** How long a caller waits for the server to confirm a stop (ms). */
const confirmationMs = 60_000;

export interface GoalRequest {
  readonly threadId: string;
  readonly settings: GoalSettings;
  readonly controls: TurnControls;
  readonly handlers: RequestHandlers | undefined;
}

/** Who is told of the goal's progress. None of the functions may throw. */
export interface GoalListener {
  /** The connection is there; nothing has been heard over it. */
  connected(session: Session): void;
  event(event: GoalEvent): void;
  ended(failure: Failure | undefined): void;
}

/**
 * The life of one goal: waiting for its thread, being set, its course in the server, being stopped,
 * and its one end. `GoalRun` is the handle that callers have on it.
 */
export class GoalExecution {
  /** Resolves when the server has taken the goal; rejects, unnoticed, when it never will. */
  readonly accepted: Promise<ThreadGoal>;
  /** Resolves, whichever way the goal ends. */
  readonly ended: Promise<void>;
  readonly #request: GoalRequest;
  readonly #listener: GoalListener;
  readonly #accepted = new Deferred<ThreadGoal>();
  readonly #ended = new Deferred<void>();
  /** Resolves when the server is done with the goal too, or nothing more will be heard of it. */
  readonly #over = new Deferred<void>();
  /** There from the moment when the thread is this goal's. */
  readonly #entered = new Deferred<GoalCourse | undefined>();
  #course: GoalCourse | undefined;
  /** Resolves when it is known what became of the request that sets the goal. */
  readonly #answered = new Deferred<void>();
  #phase: "waiting" | "sent" | "set" = "waiting";
  #life: "live" | "given up" | "over" = "live";
  #slot: Slot | undefined;
  #failure: Failure | undefined;
  #stopped: Failure | undefined;
  /** The attempt to stop; there is only one, and it goes on until that is confirmed. */
  #stopping: Promise<void> | undefined;
  #unlink: () => void = () => undefined;

  constructor(getSession: GetSession, request: GoalRequest, listener: GoalListener) {
    this.#request = request;
    this.#listener = listener;
    this.accepted = ignoreRejection(this.#accepted.promise);
    this.ended = this.#ended.promise;
    const { signal } = request.controls;
    if (signal?.aborted) {
      this.#finish(() => reasonOf(signal));
      return;
    }
    this.#unlink = watchForStops(
      request.controls,
      (failure) => {
        this.#stop(failure);
      },
      (ms) => {
        const details = { stopConfirmed: this.#isOver(), sent: this.#phase !== "waiting" };
        return new GoalTimeoutError(ms, this.result, details);
      },
    );
    void this.#execute(getSession);
  }

  /** The connection that the goal runs on; undefined until it is there. */
  get session(): Session | undefined {
    return this.#course?.session;
  }

  get state(): GoalRunState {
    const { threadId } = this.#request;
    return this.#course?.state ?? { threadId, goal: null, cleared: false, turns: [], turn: null };
  }

  /** The result as far as the goal has come. */
  get result(): GoalResult {
    return this.#course?.result ?? toGoalResult(initialGoalProgress(this.#request.threadId));
  }

  /** What the waiters are to be rejected with, once the goal has ended. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  hasEnded(): boolean {
    return this.#life !== "live";
  }

  /** The turn that runs, or the next one; undefined when none is to come. */
  async nextTurn(): Promise<TurnExecution | undefined> {
    const course = await this.#entered.promise;
    return course?.nextTurn();
  }

  /**
   * Stops the goal at any stage, and resolves when it has ended. What goes wrong is how the goal ends;
   * it goes on being stopped, and another call waits for that.
   *
   * @throws StopUnconfirmedError
   */
  async interrupt(): Promise<void> {
    if (this.#isOver()) return;
    const stopped = this.#windDown();
    const outcome = await settleWithin(
      this.hasEnded() ? stopped : Promise.race([stopped, this.ended]),
      confirmationMs,
    );
    if (outcome === "timeout") throw new StopUnconfirmedError("goal", confirmationMs);
  }

  /** Stops the goal and waits for its end, though not for ever; it goes on being stopped. */
  async interruptAndWait(): Promise<void> {
    if (this.hasEnded()) return;
    void this.#windDown();
    await settleWithin(this.ended, stopGraceMs);
  }

  async #execute(getSession: GetSession): Promise<void> {
    try {
      const session = await getSession();
      if (this.hasEnded()) return;
      this.#listener.connected(session);
      // Everything runs in the order of the calls, so the slot comes before anything that takes time.
      const slot = this.#waitInLine(session);
      this.#slot = slot;
      await Promise.race([slot.admitted, this.ended]);
      if (this.hasEnded()) return;
      const course = this.#createCourse({ getSession, session, slot });
      await this.#prepare(session, slot);
      if (!this.hasEnded()) await this.#set(getSession, course);
    } catch (error) {
      this.#answered.resolve();
      this.#finish(() => error);
    }
  }

  #waitInLine(session: Session): Slot {
    const { threadId, controls } = this.#request;
    if (controls.whenBusy === "reject" && session.thread(threadId).slots.isBusy)
      throw busyGoalError();
    return session.thread(threadId).slots.enter({ wait: true });
  }

  #createCourse(place: { getSession: GetSession; session: Session; slot: Slot }): GoalCourse {
    const { threadId, handlers } = this.#request;
    const course = new GoalCourse({ ...place, threadId, handlers }, this.ended, {
      event: (event) => {
        if (!this.hasEnded()) this.#listener.event(event);
      },
      over: (failure) => {
        // Nobody hears of it any more, but whoever wanted it to stop wants that still.
        if (failure && this.#stopping && !isServerGone(failure())) this.#giveUp(failure);
        else this.#finish(failure);
      },
      brokeOff: (failure) => {
        if (failure) this.#stop(failure);
        else void this.#windDown();
      },
    });
    this.#course = course;
    this.#entered.resolve(course);
    return course;
  }

  /** Makes room for the goal: the old one is gone, the thread is loaded, and no turn runs. */
  async #prepare(session: Session, slot: Slot): Promise<void> {
    const { threadId, controls } = this.#request;
    // Before the thread is loaded, since loading it would set the old goal going again.
    await clearOldGoal(session, threadId, this.ended);
    if (this.hasEnded()) return;
    await session.load(threadId);
    for (let clear = slot.clear(); clear && !this.hasEnded(); clear = slot.clear()) {
      if (controls.whenBusy === "reject") throw busyGoalError();
      await Promise.race([clear, this.ended]);
    }
  }

  async #set(getSession: GetSession, course: GoalCourse): Promise<void> {
    const { threadId, settings, controls } = this.#request;
    const { session } = course;
    const withdrawn = new AbortController();
    void this.ended.then(() => {
      if (this.#phase === "waiting") withdrawn.abort(new GoalNotStartedError());
    });
    const request = {
      trace: controls.trace,
      signal: withdrawn.signal,
      onSent: () => {
        this.#phase = "sent";
      },
    };
    const { objective } = settings;
    course.begin(objective);
    const goal = await setGoalInTime(
      { getSession, session, threadId, objective },
      (options) => setGoal(session, threadId, settings, { ...options, ...request }),
      () => true,
      () => course.state.goal,
    );
    this.#phase = "set";
    this.#accepted.resolve(goal);
    course.accepted(goal);
    this.#answered.resolve();
  }

  /** From now on the goal can only end with `failure`, however it really ends. */
  #stop(failure: Failure): void {
    if (this.hasEnded() || this.#stopped) return;
    this.#stopped = failure;
    void this.interruptAndWait().then(() => {
      if (!this.hasEnded()) this.#giveUp(failure);
    });
  }

  #windDown(): Promise<void> {
    if (this.#phase === "waiting") this.#finish(undefined);
    this.#stopping ??= this.#stopInServer();
    return this.#stopping;
  }

  async #stopInServer(): Promise<void> {
    this.#course?.stopTurns();
    await Promise.race([this.#answered.promise, this.#over.promise]);
    await this.#course?.stop((error) => {
      this.#giveUp(() => error);
      this.#slot?.leave();
    });
    this.#finish(undefined);
  }

  /** Tells the waiters, though the goal may go on; it goes on being stopped. */
  #giveUp(failure: Failure): void {
    if (this.hasEnded()) return;
    this.#course?.session.logger.warn(unconfirmed);
    this.#life = "given up";
    this.#tell(failure);
    // What is not answered may yet begin a turn, which the next one would become part of.
    if (this.#phase === "set") this.#slot?.leave();
  }

  /** The goal is over. */
  #finish(failure: Failure | undefined): void {
    const wasLive = !this.hasEnded();
    if (this.#isOver()) return;
    this.#life = "over";
    this.#course?.end();
    this.#entered.resolve(undefined);
    this.#slot?.leave();
    if (wasLive) this.#tell(failure && this.#asItWas(failure));
    this.#over.resolve();
  }

  /** What kept a goal from being sent was not the end of the goal. */
  #asItWas(failure: Failure): Failure {
    return this.#phase === "waiting" ? () => unsent(failure(), "thread/goal/set") : failure;
  }

  /** Tells those who wait for the goal how it has ended. */
  #tell(failure: Failure | undefined): void {
    this.#failure = this.#stopped ?? (failure && (() => copyError(failure())));
    this.#unlink();
    if (this.#phase !== "set") {
      this.#accepted.reject(this.#failure ? this.#failure() : new GoalNotStartedError());
    }
    this.#listener.ended(this.#failure);
    this.#ended.resolve();
  }

  #isOver(): boolean {
    return this.#life === "over";
  }
}

const unconfirmed =
  "A goal was given up, and the server has not confirmed that it stopped. This client goes on stopping it.";

function busyGoalError(): Error {
  const advice = 'It was not sent. Wait for that turn, or choose whenBusy: "queue".';
  return busyError("thread/goal/set", advice);
}

function isServerGone(error: unknown): boolean {
  return error instanceof TransportClosedError && !isDrop(error);
}
