import { reasonOf } from "../async/abort.js";
import { Deferred, ignoreRejection } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { copyError, unsent } from "../errors/connection-errors.js";
import { TurnNotStartedError, TurnTimeoutError } from "./turn-errors.js";
import { TurnDetachedError } from "../errors/turn-detached-error.js";
import type { GetSession, Session } from "../session/session.js";
import type { TurnFollower } from "../session/turn-follower.js";
import type { PendingTurn } from "../session/turn-routes.js";
import { TurnCourse } from "./turn-course.js";
import { TurnLaunch } from "./turn-launch.js";
import type { Failure, TurnListener, TurnRequest } from "./turn-request.js";
import { toTurnResult } from "./turn-result.js";
import type { RunningTurn } from "./start-place.js";
import type { TurnStart } from "./start-place.js";
import type { TurnState } from "../results/turn-state.js";
import { TurnStop } from "./turn-stop.js";
import { watchForStops } from "./turn-stops.js";
import { untilFree } from "./until-free.js";

/**
 * How long a turn that is being stopped may take to end before its waiters are told that it was given
 * up (ms). It goes on being stopped.
 */
const stopGraceMs = 10_000;

/** How long after the answer to `turn/start` the server may take to say that the turn runs (ms). */
const runningGraceMs = 1_000;

/**
 * The life of one turn: waiting for its thread, being started, its events, being stopped, and its
 * one end. `Turn` is the handle that callers have on it.
 *
 * It ends for those who wait for it, who are told once, and in the server, which may be later: a turn
 * that was given up keeps its place on the thread, and is stopped, until the server is done with it.
 */
export class TurnExecution {
  /** Resolves when the server has named the turn; rejects, unnoticed, when it never will. */
  readonly accepted: Promise<{ readonly id: string }>;
  /** Resolves when the turn has ended for those who wait for it, whichever way. */
  readonly ended: Promise<void>;
  readonly #request: TurnRequest;
  readonly #listener: TurnListener;
  readonly #accepted = new Deferred<{ readonly id: string }>();
  /** The server has said that the turn runs; only then can it be interrupted or steered. */
  readonly #running = new Deferred<void>();
  readonly #ended = new Deferred<void>();
  /** Resolves when the server is done with the turn too, or nothing more will be heard of it. */
  readonly #over = new Deferred<void>();
  readonly #named = new Deferred<void>();
  readonly #course: TurnCourse;
  readonly #stop: TurnStop;
  /** Resolves when the server says the next time that the turn runs. */
  #sign = new Deferred<void>();
  #stalled = new Deferred<Failure>();
  #launch: TurnLaunch | undefined;
  #phase: "waiting" | "sent" = "waiting";
  #life: "live" | "given up" | "over" = "live";
  #hasBegun = false;
  /** Whether the next turn may have gone onto the thread, although this one is not over. */
  #hasLeft = false;
  #failure: Failure | undefined;
  #stopped: Failure | undefined;
  #unlink: () => void = () => undefined;

  constructor(getSession: GetSession, request: TurnRequest, listener: TurnListener) {
    const { start } = request;
    this.#request = request;
    this.#listener = listener;
    this.accepted = ignoreRejection(this.#accepted.promise);
    this.ended = this.#ended.promise;
    this.#course = this.#createCourse();
    this.#stop = this.#createStop();
    const { signal } = request.controls;
    if (signal?.aborted) {
      this.#finish(() => reasonOf(signal));
      return;
    }
    this.#unlink = watchForStops(
      request.controls,
      (failure) => {
        this.#stopWith(failure);
      },
      (ms) => {
        const details = { stopConfirmed: this.#stop.isConfirmed, sent: this.#phase === "sent" };
        return new TurnTimeoutError(ms, toTurnResult(this.state), details);
      },
    );
    if ("send" in start) void this.#execute(getSession, start);
    else this.#join(start);
  }

  get state(): TurnState {
    return this.#course.state;
  }

  /** How the routes see the turn. */
  get follower(): TurnFollower {
    return this.#course.follower;
  }

  /** What the waiters are to be rejected with, once the turn has ended. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  hasEnded(): boolean {
    return this.#life !== "live";
  }

  /** The connection that runs the turn; undefined until it is there. */
  get session(): Session | undefined {
    return this.#course.session;
  }

  /**
   * Waits for the end, for a period of silence at the most when the turn has an `idleTimeoutMs`.
   *
   * @throws TurnStalledError
   */
  async untilEnded(): Promise<void> {
    this.heard();
    const stalled = await Promise.race([this.ended, this.#stalled.promise]);
    if (stalled && !this.hasEnded()) throw stalled();
  }

  /** A sub-agent was heard, or somebody begins to wait: `idleTimeoutMs` counts anew. */
  heard(): void {
    this.#course.heard();
  }

  /**
   * Resolves when the turn can be steered. Of a turn that somebody else has started, and that this
   * one turned out to steer, the server does not say again that it runs: hence the limit.
   */
  async untilRunning(): Promise<void> {
    await settleWithin(Promise.race([this.#running.promise, this.ended]), runningGraceMs);
  }

  /**
   * Stops the turn at any stage; concurrent calls share one attempt.
   *
   * @throws StopUnconfirmedError, or what the server refuses it with.
   */
  async interrupt(): Promise<void> {
    if (this.#isOver()) return;
    if (this.#phase === "waiting") this.#finishUnsent();
    else await this.#stop.request();
  }

  /** Stops the turn and waits for its end, though not for ever; it goes on being stopped. */
  async interruptAndWait(): Promise<void> {
    if (this.hasEnded() || this.#course.runsOn) return;
    if (this.#phase === "waiting") this.#finishUnsent();
    else void this.#stop.insist();
    await settleWithin(this.ended, stopGraceMs);
  }

  /**
   * Stops a turn that runs and that nobody waits for. Resolves when that is confirmed, or the next turn
   * may go onto the thread all the same; never rejects.
   */
  async stopUnwatched(session: Session): Promise<void> {
    const stopped = this.#stop.insist().then(() => {
      this.#finish(undefined);
    });
    await Promise.race([stopped, this.#untilFree(session)]);
    this.#hasLeft = true;
  }

  async #execute(getSession: GetSession, start: TurnStart): Promise<void> {
    const launch = new TurnLaunch(this.#request, start, {
      over: this.#over.promise,
      follower: this.follower,
      isOver: () => this.#isOver(),
      connected: (session) => {
        this.#connected(session);
      },
      sending: (stage) => {
        this.#phase = stage === "waiting" ? "waiting" : "sent";
        this.#course.sending(stage === "sent");
      },
      accepted: (id, pending) => {
        this.#taken(id, pending);
      },
      refused: () => {
        // Whoever has stopped the turn meanwhile does not want it to be sent again.
        if (this.#stop.isWanted) this.#finishUnsent();
      },
    });
    this.#launch = launch;
    try {
      await launch.run(getSession);
    } catch (error) {
      this.#finish(() => copyError(error));
    }
  }

  /** The server has named the turn, which runs from now on. */
  #taken(id: string, pending: PendingTurn<TurnFollower>): void {
    if (this.#isOver()) return;
    this.#nameIt(id);
    const [other] = pending.claim(id, this.follower);
    if (!other) return;
    // The server took the input as steering: go on from where the running turn stands.
    this.#course.state = other.state;
    this.#listener.joined?.(other.state);
    this.#runs();
  }

  /** Somebody else has started the turn, and it is the routes that brought it here. */
  #join({ session, id, hasBegun = true }: RunningTurn): void {
    this.#connected(session);
    this.#phase = "sent";
    this.#course.sending(true);
    this.#nameIt(id);
    this.#runs();
    this.#hasBegun = hasBegun;
  }

  #connected(session: Session): void {
    this.#course.session = session;
    this.#listener.connected?.(session);
  }

  #nameIt(id: string): void {
    this.#course.named(id);
    this.#accepted.resolve({ id });
    this.#named.resolve();
  }

  #runs(): void {
    this.#hasBegun = true;
    this.#running.resolve();
    this.#sign.resolve();
    this.#sign = new Deferred();
  }

  #createCourse(): TurnCourse {
    return new TurnCourse(this.#request, {
      isStopping: () => this.#stop.isWanted && !this.#isShared(),
      event: (event) => {
        if (!this.hasEnded()) this.#listener.event(event);
      },
      running: () => {
        this.#runs();
      },
      over: (failure) => {
        this.#courseOver(failure);
      },
      stalled: (failure) => {
        this.#stalled.resolve(failure);
        this.#stalled = new Deferred();
        this.#listener.stalled?.(failure);
      },
    });
  }

  #createStop(): TurnStop {
    const over = this.#over.promise;
    return new TurnStop({
      threadId: this.#request.threadId,
      over,
      session: () => this.session,
      id: () => this.#course.runningId ?? this.state.id,
      isOver: () => this.#isOver(),
      isStoppable: () => this.#course.isStoppable && !this.#isShared(),
      untilNamed: () => Promise.race([this.#named.promise, over]),
      untilRunning: async () => {
        await settleWithin(Promise.race([this.#running.promise, over]), runningGraceMs);
      },
      nextSign: () => this.#sign.promise,
      inquire: () => {
        this.#course.refusedToStop(this.#hasBegun);
      },
    });
  }

  /** Whether the input of a later turn has become part of this one, which is not worth stopping that for. */
  #isShared(): boolean {
    const { threadId } = this.#request;
    return this.#hasLeft && (this.session?.turns.sinksOf(threadId, this.state.id) ?? []).length > 1;
  }

  /** From now on the turn can only end with `failure`, however it really ends. */
  #stopWith(failure: Failure): void {
    if (this.hasEnded() || this.#stopped) return;
    this.#stopped = failure;
    if (this.#phase === "waiting") this.#finish(failure);
    else
      void this.interruptAndWait().then(() => {
        if (!this.hasEnded()) void this.#giveUp(failure);
      });
  }

  /** Tells the waiters, and sees to it that the turn stops; until then the next one waits. */
  async #giveUp(failure: Failure): Promise<void> {
    const { session } = this;
    if (this.hasEnded()) return;
    if (!session || this.#course.runsOn) {
      this.#finish(failure);
      return;
    }
    if (!this.#stop.isConfirmed) session.logger.warn(unconfirmed);
    this.#life = "given up";
    this.#course.giveUp();
    this.#tell(failure);
    await this.#untilFree(session);
    this.#hasLeft = true;
    this.#launch?.leave();
    // What has no name by then is looked for no longer; an answer that is still to come is seen to.
    if (this.state.id !== "") await this.#stop.insist();
    this.#release();
  }

  #untilFree(session: Session): Promise<void> {
    return untilFree(session, this.#request.threadId, {
      over: this.#over.promise,
      isOver: () => this.#isOver(),
      hasBegun: () => this.#hasBegun,
    });
  }

  #finishUnsent(): void {
    this.#course.state = { ...this.state, status: "interrupted" };
    this.#finish(undefined);
  }

  /** The turn is over, or `failure` tells why nothing more is heard of it. */
  #courseOver(failure: Failure | undefined): void {
    const isUnheard = failure?.() instanceof TurnDetachedError && this.#stop.isWanted;
    // Nobody hears of it any more, but whoever wanted it to stop wants that still.
    if (isUnheard && !this.#stop.isConfirmed) void this.#giveUp(failure);
    else this.#finish(failure);
  }

  /** The turn is over. */
  #finish(failure: Failure | undefined): void {
    const wasLive = !this.hasEnded();
    this.#release();
    if (wasLive) this.#tell(failure && this.#asItWas(failure));
  }

  /** What kept a turn from being sent was not the end of the turn. */
  #asItWas(failure: Failure): Failure {
    const { start } = this.#request;
    if (this.#phase === "sent" || !("send" in start)) return failure;
    return () => unsent(failure(), start.method);
  }

  /** Gives back everything that the turn has taken. */
  #release(): void {
    if (this.#isOver()) return;
    this.#life = "over";
    this.#course.end();
    this.session?.turns.unfollow(this.#request.threadId, this.state.id, this.follower);
    this.#launch?.leave();
    this.#over.resolve();
  }

  /** Tells those who wait for the turn how it has ended. */
  #tell(failure: Failure | undefined): void {
    this.#failure = this.#stopped ?? failure;
    this.#unlink();
    if (this.state.id === "") {
      this.#accepted.reject(this.#failure ? this.#failure() : new TurnNotStartedError());
    }
    this.#listener.ended(this.#failure);
    this.#ended.resolve();
  }

  #isOver(): boolean {
    return this.#life === "over";
  }
}

const unconfirmed =
  "A turn was given up, and the server has not confirmed that it stopped. This client goes on stopping it.";
