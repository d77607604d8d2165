import type { ThreadGoal } from "../../generated/types.js";
import { Deferred, ignoreRejection } from "../async/deferred.js";
import { Life, type Failure } from "../async/life.js";
import { settleWithin } from "../async/timers.js";
import { isDrop, copyError, TransportClosedError, unsent } from "../errors/connection-errors.js";
import { GoalNotStartedError, GoalTimeoutError } from "./goal-errors.js";
import { StopUnconfirmedError } from "../turns/turn-errors.js";
import type { GetSession, Session } from "../session/session.js";
import type { Slot } from "../session/turn-slots.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import { busyError } from "../session/busy-error.js";
import type { TurnExecution } from "../turns/turn-execution.js";
import type { TurnControls } from "../options/turn-options.js";
import type { GoalSettings } from "../options/goal-options.js";
import { clearOldGoal, setGoal } from "./goal-requests.js";
import { toGoalResult } from "./goal-result.js";
import { type GoalResult } from "../results/goal-result.js";
import { initialGoalProgress, type GoalEvent, type GoalRunState } from "./goal-state.js";
import { setGoalInTime } from "./late-goal.js";
import { RunningGoal, type GoalNews } from "./running-goal.js";

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
 * A goal that is under way: waits for its thread, sets it there, lets others wait for what becomes of it, and
 * stops it. `GoalRun` is the handle that callers have on it.
 */
export class GoalExecution {
  /** Resolves when the server has taken the goal; rejects, unnoticed, when it never will. */
  readonly accepted: Promise<ThreadGoal>;
  readonly #request: GoalRequest;
  readonly #listener: GoalListener;
  readonly #accepted = new Deferred<ThreadGoal>();
  readonly #life = new Life(() => {
    this.#told();
  });
  /** There from the moment when the thread is this goal's. */
  readonly #entered = new Deferred<RunningGoal | undefined>();
  #running: RunningGoal | undefined;
  /** Resolves when it is known what became of the request that sets the goal. */
  readonly #answered = new Deferred<void>();
  #slot: Slot | undefined;
  /** The attempt to stop; there is only one, and it goes on until that is confirmed. */
  #stopping: Promise<void> | undefined;

  constructor(getSession: GetSession, request: GoalRequest, listener: GoalListener) {
    this.#request = request;
    this.#listener = listener;
    this.accepted = ignoreRejection(this.#accepted.promise);
    this.#life.onOver(() => {
      this.#entered.resolve(undefined);
      this.#slot?.leave();
    });
    this.#life.limit(
      request.controls,
      (failure) => {
        this.#cutShort(failure);
      },
      (ms) => {
        const details = { stopConfirmed: this.#life.isOver(), sent: this.#life.wasSent };
        return new GoalTimeoutError(ms, this.result, details);
      },
    );
    if (!this.#life.isOver()) void this.#execute(getSession);
  }

  /** The connection that the goal runs on; undefined until it is there. */
  get session(): Session | undefined {
    return this.#running?.session;
  }

  get state(): GoalRunState {
    const { threadId } = this.#request;
    return this.#running?.state ?? { threadId, goal: null, cleared: false, turns: [], turn: null };
  }

  /** The result as far as the goal has come. */
  get result(): GoalResult {
    return this.#running?.result ?? toGoalResult(initialGoalProgress(this.#request.threadId));
  }

  /** Resolves, whichever way the goal ends. */
  get ended(): Promise<void> {
    return this.#life.ended;
  }

  /** What the waiters are to be rejected with, once the goal has ended. */
  get failure(): Failure | undefined {
    return this.#life.failure;
  }

  hasEnded(): boolean {
    return this.#life.hasEnded();
  }

  /** The turn that runs, or the next one; undefined when none is to come. */
  async nextTurn(): Promise<TurnExecution | undefined> {
    const running = await this.#entered.promise;
    return running?.nextTurn();
  }

  /**
   * Stops the goal at any stage, and resolves when it has ended. What goes wrong is how the goal ends;
   * it goes on being stopped, and another call waits for that.
   *
   * @throws StopUnconfirmedError
   */
  async interrupt(): Promise<void> {
    if (this.#life.isOver()) return;
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
      const { threadId, handlers } = this.#request;
      const place = { getSession, session, slot, threadId, handlers };
      const running = new RunningGoal(place, this.#life, (news) => {
        this.#heard(news);
      });
      this.#running = running;
      this.#entered.resolve(running);
      await this.#prepare(session, slot);
      if (!this.hasEnded()) await this.#set(getSession, running);
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

  #heard(news: GoalNews): void {
    switch (news.type) {
      case "event":
        if (!this.hasEnded()) this.#listener.event(news.event);
        break;
      case "over": {
        const { failure } = news;
        // Nobody hears of it any more, but whoever wanted it to stop wants that still.
        if (failure && this.#stopping && !isServerGone(failure())) this.#giveUp(failure);
        else this.#finish(failure);
        break;
      }
      case "brokeOff":
        if (news.failure && this.#life.cutShort(news.failure)) this.#cutShort(news.failure);
        else void this.#windDown();
    }
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

  async #set(getSession: GetSession, running: RunningGoal): Promise<void> {
    const { threadId, settings, controls } = this.#request;
    const { session } = running;
    const withdrawn = new AbortController();
    void this.ended.then(() => {
      if (!this.#life.wasSent) withdrawn.abort(new GoalNotStartedError());
    });
    const request = {
      trace: controls.trace,
      signal: withdrawn.signal,
      onSent: () => {
        this.#life.reach("sent");
      },
    };
    const { objective } = settings;
    running.begin(objective);
    const goal = await setGoalInTime(
      { getSession, session, threadId, objective },
      (options) => setGoal(session, threadId, settings, { ...options, ...request }),
      () => true,
      () => running.state.goal,
    );
    this.#life.reach("running");
    this.#accepted.resolve(goal);
    running.accepted(goal);
    this.#answered.resolve();
  }

  #cutShort(failure: Failure): void {
    if (!this.#life.wasSent) this.#finish(failure);
    void this.interruptAndWait().then(() => {
      if (!this.hasEnded()) this.#giveUp(failure);
    });
  }

  #windDown(): Promise<void> {
    if (!this.#life.wasSent) this.#finish(undefined);
    this.#stopping ??= this.#stopInServer();
    return this.#stopping;
  }

  async #stopInServer(): Promise<void> {
    this.#running?.stopTurns();
    await Promise.race([this.#answered.promise, this.#life.over]);
    await this.#running?.stop((error) => {
      this.#giveUp(() => error);
      this.#slot?.leave();
    });
    this.#finish(undefined);
  }

  /** Tells the waiters, though the goal may go on; it goes on being stopped. */
  #giveUp(failure: Failure): void {
    if (this.hasEnded()) return;
    const isSet = this.#life.phase === "running";
    this.#running?.session.logger.warn(unconfirmed);
    this.#life.tell(() => copyError(failure()));
    // What is not answered may yet begin a turn, which the next one would become part of.
    if (isSet) this.#slot?.leave();
  }

  /** The goal is over. What kept it from being sent was not the end of the goal. */
  #finish(failure: Failure | undefined): void {
    const { wasSent } = this.#life;
    const toError = (reason: unknown) =>
      wasSent ? copyError(reason) : unsent(reason, "thread/goal/set");
    this.#life.end(failure && (() => toError(failure())));
  }

  /** Tells those who wait for the goal how it has ended. */
  #told(): void {
    const { failure } = this.#life;
    // Once it is accepted, that changes nothing.
    this.#accepted.reject(failure ? failure() : new GoalNotStartedError());
    this.#listener.ended(failure);
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
