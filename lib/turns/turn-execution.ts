import { Deferred, ignoreRejection } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { TransportClosedError } from "../errors/connection-errors.js";
import { TurnNotStartedError } from "../errors/turn-errors.js";
import type { Connect, Host, TurnFollower } from "../host.js";
import type { PendingTurn } from "../rpc/turn-routes.js";
import { clearGate } from "./clear-gate.js";
import { TurnCourse } from "./turn-course.js";
import { interruptTurn } from "./turn-interrupt.js";
import { TurnLaunch } from "./turn-launch.js";
import type { Failure, TurnListener, TurnRequest } from "./turn-request.js";
import { toTurnResult } from "./turn-result.js";
import type { RunningTurn, TurnStart } from "./turn-start.js";
import type { TurnState } from "./turn-state.js";
import { watchForStops } from "./turn-stops.js";

/** How long a turn that is being stopped may take to end before nobody waits any longer (ms). */
const stopGraceMs = 10_000;

/** How long after the answer to `turn/start` the server may take to say that the turn runs (ms). */
const runningGraceMs = 1_000;

/**
 * The life of one turn: waiting for its thread, being started, its events, being stopped, and its
 * one end. `Turn` is the handle that callers have on it.
 */
export class TurnExecution {
  /** Resolves when the server has named the turn; rejects, unnoticed, when it never will. */
  readonly accepted: Promise<{ readonly id: string }>;
  /** Resolves, whichever way the turn ends. */
  readonly ended: Promise<void>;
  readonly #request: TurnRequest;
  readonly #listener: TurnListener;
  readonly #accepted = new Deferred<{ readonly id: string }>();
  /** The server has said that the turn runs; only then can it be interrupted or steered. */
  readonly #running = new Deferred<void>();
  readonly #ended = new Deferred<void>();
  readonly #course: TurnCourse;
  #stalled = new Deferred<Failure>();
  #launch: TurnLaunch | undefined;
  #phase: "waiting" | "sent" | "ended" = "waiting";
  #failure: Failure | undefined;
  #stopped: Failure | undefined;
  #interrupting: Promise<void> | undefined;
  #unlink: () => void = () => undefined;

  constructor(connect: Connect, request: TurnRequest, listener: TurnListener) {
    const { start } = request;
    this.#request = request;
    this.#listener = listener;
    this.accepted = ignoreRejection(this.#accepted.promise);
    this.ended = this.#ended.promise;
    this.#course = this.#createCourse();
    this.#unlink = watchForStops(
      request.controls,
      (failure) => {
        this.#stop(failure);
      },
      () => toTurnResult(this.state),
    );
    if ("send" in start) void this.#execute(connect, start);
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
    return this.#phase === "ended";
  }

  /** The connection that runs the turn; undefined until it is there. */
  get host(): Host | undefined {
    return this.#course.host;
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

  /** Stops the turn at any stage; concurrent calls share one attempt. */
  interrupt(): Promise<void> {
    this.#interrupting ??= this.#interrupt().catch((error: unknown) => {
      this.#interrupting = undefined;
      throw error;
    });
    return this.#interrupting;
  }

  /** Stops the turn and waits for its end, though not for ever. */
  async interruptAndWait(): Promise<void> {
    if (this.hasEnded() || this.#course.runsOn) return;
    // A server that does not take the interrupt must not hold up whoever wants to leave.
    void this.interrupt().catch(() => undefined);
    await settleWithin(this.ended, stopGraceMs);
  }

  async #execute(connect: Connect, start: TurnStart): Promise<void> {
    const launch = new TurnLaunch(this.#request, start, {
      ended: this.ended,
      follower: this.follower,
      hasEnded: () => this.hasEnded(),
      connected: (host) => {
        this.#connected(host);
      },
      sending: (stage) => {
        this.#phase = stage === "waiting" ? "waiting" : "sent";
        this.#course.sending(stage === "sent");
      },
      accepted: (id, pending) => this.#taken(id, pending),
      refused: () => {
        // Whoever has stopped the turn meanwhile does not want it to be sent again.
        if (this.#interrupting) this.#finishUnsent();
      },
    });
    this.#launch = launch;
    try {
      await launch.run(connect);
    } catch (error) {
      this.#finish(() =>
        error instanceof TransportClosedError
          ? new TransportClosedError(error.reason, error.method)
          : error,
      );
    }
  }

  /** The server has named the turn, which runs from now on. */
  async #taken(id: string, pending: PendingTurn<TurnFollower>): Promise<void> {
    this.#named(id);
    if (this.host && this.hasEnded()) {
      // Whoever waited for the answer has given up meanwhile.
      const pause = () => settleWithin(this.#running.promise, runningGraceMs).then(() => undefined);
      await interruptTurn(this.host, this.#request.threadId, id, pause);
      return;
    }
    const [other] = pending.claim(id, this.follower);
    // The server took the input as steering: go on from where the running turn stands.
    if (other) {
      this.#course.state = other.state;
      this.#running.resolve();
    }
  }

  /** Somebody else has started the turn, and it is the routes that brought it here. */
  #join({ host, id }: RunningTurn): void {
    this.#connected(host);
    this.#phase = "sent";
    this.#course.sending(true);
    this.#named(id);
  }

  #connected(host: Host): void {
    this.#course.host = host;
    this.#listener.connected?.(host);
  }

  #named(id: string): void {
    this.#course.named(id);
    this.#accepted.resolve({ id });
  }

  #createCourse(): TurnCourse {
    return new TurnCourse(this.#request, {
      event: (event) => {
        this.#listener.event(event);
      },
      running: () => {
        this.#running.resolve();
      },
      over: (failure) => {
        this.#finish(failure);
      },
      stalled: (failure) => {
        this.#stalled.resolve(failure);
        this.#stalled = new Deferred();
        this.#listener.stalled?.(failure);
      },
    });
  }

  /** From now on the turn can only end with `failure`, however it really ends. */
  #stop(failure: Failure): void {
    if (this.hasEnded() || this.#stopped) return;
    this.#stopped = failure;
    if (this.#phase === "waiting") this.#finish(failure);
    else
      void this.interruptAndWait().then(() => {
        if (this.hasEnded()) return;
        this.#finish(failure);
        if (this.host) void clearGate(this.host, this.#request.threadId);
      });
  }

  async #interrupt(): Promise<void> {
    if (this.#phase === "waiting") this.#finishUnsent();
    const accepted = await Promise.race([this.accepted.catch(() => undefined), this.ended]);
    const { host } = this;
    if (!accepted || !host || this.hasEnded() || !this.#course.isStoppable) return;
    const turnId = () => this.#course.runningId ?? accepted.id;
    await Promise.race([
      interruptTurn(host, this.#request.threadId, turnId, () => this.untilRunning()),
      this.ended,
    ]);
  }

  #finishUnsent(): void {
    this.#course.state = { ...this.state, status: "interrupted" };
    this.#finish(undefined);
  }

  #finish(failure: Failure | undefined): void {
    if (this.hasEnded()) return;
    this.#phase = "ended";
    this.#failure = this.#stopped ?? failure;
    this.#unlink();
    this.#course.end();
    this.host?.turns.unfollow(this.#request.threadId, this.state.id, this.follower);
    this.#launch?.leave();
    if (this.state.id === "") {
      this.#accepted.reject(this.#failure ? this.#failure() : new TurnNotStartedError());
    }
    this.#listener.ended(this.#failure);
    this.#ended.resolve();
  }
}
