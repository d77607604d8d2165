import type { ThreadGoal } from "../../generated/types.js";
import { Deferred, ignoreRejection } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { TransportClosedError } from "../errors/connection-errors.js";
import { GoalNotStartedError } from "../errors/goal-errors.js";
import type { Connect, Host } from "../host.js";
import type { Pass } from "../rpc/thread-gate.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import { busyError } from "../turns/busy-error.js";
import type { TurnExecution } from "../turns/turn-execution.js";
import type { Failure } from "../turns/turn-request.js";
import type { TurnControls } from "../turns/turn-options.js";
import { GoalCourse } from "./goal-course.js";
import type { GoalSettings } from "./goal-options.js";
import { clearOldGoal, pauseGoal, setGoal } from "./goal-requests.js";
import { toGoalResult, type GoalResult } from "./goal-result.js";
import { initialGoalProgress, type GoalEvent, type GoalRunState } from "./goal-state.js";
import { watchForGoalStops } from "./goal-stops.js";

/** How long a goal that is being stopped may take to end before nobody waits any longer (ms). */
const stopGraceMs = 10_000;

export interface GoalRequest {
  readonly threadId: string;
  readonly settings: GoalSettings;
  readonly controls: TurnControls;
  readonly handlers: RequestHandlers | undefined;
}

/** Who is told of the goal's progress. None of the functions may throw. */
export interface GoalListener {
  /** The connection is there; nothing has been heard over it. */
  connected(host: Host): void;
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
  /** There from the moment when the thread is this goal's. */
  readonly #entered = new Deferred<GoalCourse | undefined>();
  #course: GoalCourse | undefined;
  #phase: "waiting" | "sent" | "set" | "ended" = "waiting";
  #pass: Pass | undefined;
  #failure: Failure | undefined;
  #stopped: Failure | undefined;
  /** The attempt to stop; there is only one, and the goal ends with it. */
  #stopping: Promise<void> | undefined;
  #unlink: () => void = () => undefined;

  constructor(connect: Connect, request: GoalRequest, listener: GoalListener) {
    this.#request = request;
    this.#listener = listener;
    this.accepted = ignoreRejection(this.#accepted.promise);
    this.ended = this.#ended.promise;
    this.#unlink = watchForGoalStops(
      request.controls,
      (failure) => {
        this.#stop(failure);
      },
      () => this.result,
    );
    void this.#execute(connect);
  }

  /** The connection that the goal runs on; undefined until it is there. */
  get host(): Host | undefined {
    return this.#course?.host;
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
    return this.#phase === "ended";
  }

  /** The turn that runs, or the next one; undefined when none is to come. */
  async nextTurn(): Promise<TurnExecution | undefined> {
    const course = await this.#entered.promise;
    return course?.nextTurn();
  }

  /**
   * Stops the goal at any stage, and resolves when it has ended. Never rejects: what goes wrong is
   * how the goal ends.
   */
  interrupt(): Promise<void> {
    if (this.#phase === "waiting") this.#finish(undefined);
    this.#stopping ??= this.#windDown();
    return this.#stopping;
  }

  /** Stops the goal and waits for its end, though not for ever. */
  async interruptAndWait(): Promise<void> {
    if (!this.hasEnded()) await settleWithin(this.interrupt(), stopGraceMs);
  }

  async #execute(connect: Connect): Promise<void> {
    try {
      const host = await connect();
      if (this.hasEnded()) return;
      this.#listener.connected(host);
      // Everything runs in the order of the calls, so the gate comes before anything that takes time.
      const pass = this.#enterGate(host);
      this.#pass = pass;
      await Promise.race([pass.admitted, this.ended]);
      if (this.hasEnded()) return;
      const course = this.#createCourse({ connect, host, pass });
      await this.#prepare(host, pass);
      if (!this.hasEnded()) await this.#set(host, course);
    } catch (error) {
      this.#finish(() => error);
    }
  }

  #enterGate(host: Host): Pass {
    const { threadId, controls } = this.#request;
    if (controls.whenBusy === "reject" && host.gate.isBusy(threadId)) throw busyGoalError();
    return host.gate.enter(threadId, { wait: true });
  }

  #createCourse(place: { connect: Connect; host: Host; pass: Pass }): GoalCourse {
    const { threadId, handlers } = this.#request;
    const course = new GoalCourse({ ...place, threadId, handlers }, this.ended, {
      event: (event) => {
        if (!this.hasEnded()) this.#listener.event(event);
      },
      over: (failure) => {
        this.#finish(failure);
      },
      brokeOff: (failure) => {
        if (failure) this.#stop(failure);
        else void this.interrupt();
      },
    });
    this.#course = course;
    this.#entered.resolve(course);
    return course;
  }

  /** Makes room for the goal: the old one is gone, the thread is loaded, and no turn runs. */
  async #prepare(host: Host, pass: Pass): Promise<void> {
    const { threadId, controls } = this.#request;
    // Before the thread is loaded, since loading it would set the old goal going again.
    await clearOldGoal(host, threadId, this.ended);
    if (this.hasEnded()) return;
    await host.load(threadId);
    for (let clear = pass.clear(); clear && !this.hasEnded(); clear = pass.clear()) {
      if (controls.whenBusy === "reject") throw busyGoalError();
      await Promise.race([clear, this.ended]);
    }
  }

  async #set(host: Host, course: GoalCourse): Promise<void> {
    const { threadId, settings } = this.#request;
    this.#phase = "sent";
    course.begin(settings.objective);
    const goal = await setGoal(host, threadId, settings);
    if (this.hasEnded()) {
      // Whoever waited for the answer has given up meanwhile.
      await pauseGoal(host, threadId);
      return;
    }
    this.#phase = "set";
    this.#accepted.resolve(goal);
    course.accepted(goal);
  }

  /** From now on the goal can only end with `failure`, however it really ends. */
  #stop(failure: Failure): void {
    if (this.hasEnded() || this.#stopped) return;
    this.#stopped = failure;
    void this.interruptAndWait().then(() => {
      this.#finish(failure);
    });
  }

  async #windDown(): Promise<void> {
    await Promise.race([this.accepted.catch(() => undefined), this.ended]);
    try {
      await this.#course?.stop();
      this.#finish(undefined);
    } catch (error) {
      this.#finish(() => error);
    }
  }

  #finish(failure: Failure | undefined): void {
    if (this.hasEnded()) return;
    const wasSet = this.#phase === "set";
    this.#phase = "ended";
    this.#failure = this.#stopped ?? (failure && (() => ownInstance(failure())));
    this.#unlink();
    this.#course?.end();
    this.#entered.resolve(undefined);
    this.#pass?.leave();
    if (!wasSet) this.#accepted.reject(this.#failure ? this.#failure() : new GoalNotStartedError());
    this.#listener.ended(this.#failure);
    this.#ended.resolve();
  }
}

function busyGoalError(): Error {
  const advice = 'It was not sent. Wait for that turn, or choose whenBusy: "queue".';
  return busyError("thread/goal/set", advice);
}

/** Each waiter gets an instance of its own of the error that they all wait for. */
function ownInstance(error: unknown): unknown {
  return error instanceof TransportClosedError
    ? new TransportClosedError(error.reason, error.method)
    : error;
}
