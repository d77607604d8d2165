import { Deferred, ignoreRejection } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { TransportClosedError } from "../errors/connection-errors.js";
import { ThreadBusyError, ThreadNotFoundError } from "../errors/rpc-errors.js";
import { TurnNotStartedError } from "../errors/turn-errors.js";
import type { Connect, Host, TurnFollower } from "../host.js";
import type { TurnEvent } from "../protocol.js";
import type { NotificationMessage } from "../rpc/message.js";
import type { Pass } from "../rpc/thread-gate.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import { busyError } from "./busy-error.js";
import { TurnIdentity } from "./turn-identity.js";
import { interruptTurn } from "./turn-interrupt.js";
import type { TurnControls } from "./turn-options.js";
import { TurnProgress } from "./turn-progress.js";
import { toTurnResult } from "./turn-result.js";
import type { RunningTurn, TurnStart } from "./turn-start.js";
import type { TurnState } from "./turn-state.js";
import { watchForStops } from "./turn-stops.js";

/** How long a turn that is being stopped may take to end before nobody waits any longer (ms). */
const stopGraceMs = 10_000;

/** How long after the answer to `turn/start` the server may take to say that the turn runs (ms). */
const runningGraceMs = 1_000;

/** Makes what the waiters of a turn are rejected with: an instance of its own for each. */
export type Failure = () => unknown;

export interface TurnRequest {
  readonly threadId: string;
  readonly start: TurnStart | RunningTurn;
  readonly controls: TurnControls;
  /** Who answers the server's requests in this turn, before anybody else. */
  readonly handlers?: RequestHandlers | undefined;
}

/** Who is told of the turn's progress. Neither function may throw. */
export interface TurnListener {
  event(event: TurnEvent): void;
  ended(failure: Failure | undefined): void;
}

/**
 * The life of one turn: waiting for its thread, being started, its events, being stopped, and its
 * one end. `Turn` is the handle that callers have on it.
 */
export class TurnExecution {
  /** Resolves when the server has named the turn; rejects, unnoticed, when it never will. */
  readonly accepted: Promise<{ readonly id: string }>;
  /** Resolves, whichever way the turn ends. */
  readonly ended: Promise<void>;

  /** How the routes see the turn. */
  readonly follower: TurnFollower;

  readonly #request: TurnRequest;
  readonly #listener: TurnListener;
  readonly #accepted = new Deferred<{ readonly id: string }>();
  /** The server has said that the turn runs; only then can it be interrupted or steered. */
  readonly #running = new Deferred<void>();
  readonly #ended = new Deferred<void>();
  readonly #progress: TurnProgress;
  readonly #identity: TurnIdentity;
  #host: Host | undefined;
  #pass: Pass | undefined;
  #reloaded = false;
  #phase: "waiting" | "sent" | "ended" = "waiting";
  #failure: Failure | undefined;
  #stopped: Failure | undefined;
  #interrupting: Promise<void> | undefined;
  #unlink: () => void = () => undefined;

  constructor(connect: Connect, request: TurnRequest, listener: TurnListener) {
    const { threadId, start } = request;
    this.#request = request;
    this.#listener = listener;
    this.accepted = ignoreRejection(this.#accepted.promise);
    this.ended = this.#ended.promise;
    this.#progress = new TurnProgress(threadId);
    this.#identity = new TurnIdentity(start);
    this.follower = this.#createFollower();
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
    return this.#progress.state;
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
    return this.#host;
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
    if (this.hasEnded()) return;
    // A server that does not take the interrupt must not hold up whoever wants to leave.
    void this.interrupt().catch(() => undefined);
    await settleWithin(this.ended, stopGraceMs);
  }

  async #execute(connect: Connect, start: TurnStart): Promise<void> {
    try {
      const checked = ignoreRejection(Promise.resolve(start.check?.()));
      const host = await connect();
      this.#host = host;
      if (this.hasEnded()) return;
      // Turns run in the order of the calls, so the gate comes before anything that takes time.
      const pass = this.#enterGate(host, start);
      this.#pass = pass;
      await Promise.race([Promise.all([pass.admitted, checked]), this.ended]);
      while (!this.hasEnded()) await this.#attempt(host, pass, start);
    } catch (error) {
      this.#finish(() =>
        error instanceof TransportClosedError
          ? new TransportClosedError(error.reason, error.method)
          : error,
      );
    }
  }

  #enterGate(host: Host, start: TurnStart): Pass {
    const { threadId, controls } = this.#request;
    const { whenBusy = "queue" } = controls;
    if (whenBusy === "reject" && host.gate.isBusy(threadId)) throw busyError(start.method);
    return host.gate.enter(threadId, { wait: whenBusy === "queue" });
  }

  /** Gets the turn accepted and follows it to its end, or changes what was in its way. */
  async #attempt(host: Host, pass: Pass, start: TurnStart): Promise<void> {
    const { threadId, controls } = this.#request;
    const { whenBusy = "queue" } = controls;
    this.#phase = "waiting";
    await host.load(threadId);
    // Loading may have shown that the thread runs a turn of somebody else.
    const idle = pass.idle();
    if (idle && whenBusy === "reject") throw busyError(start.method);
    if (idle && whenBusy === "queue") await Promise.race([idle, this.ended]);
    if (this.hasEnded()) return;
    this.#phase = "sent";
    try {
      await this.#send(host, start);
      await this.ended;
    } catch (error) {
      if (error instanceof ThreadNotFoundError && !this.#reloaded) {
        // Unloaded behind our back: the server forgot the thread, but has it stored.
        this.#reloaded = true;
        host.unload(threadId);
      } else if (error instanceof ThreadBusyError && whenBusy === "queue") {
        // A review or a compaction, which cannot be steered, had begun before we heard of it.
        // Loading the thread again tells whether it still runs.
        host.unload(threadId);
      } else {
        throw error;
      }
      // Whoever has stopped the turn meanwhile does not want it to be sent again.
      if (this.#interrupting) this.#finishUnsent();
    }
  }

  async #send(host: Host, start: TurnStart): Promise<void> {
    const { threadId } = this.#request;
    const pending = host.turns.expect(threadId);
    try {
      const id = await start.send(host, threadId, pending, this.ended);
      this.#named(id);
      // Whoever waited for the answer may have given up meanwhile.
      if (this.hasEnded()) {
        const pause = async () => {
          await settleWithin(this.#running.promise, runningGraceMs);
        };
        await interruptTurn(host, threadId, () => id, pause);
        return;
      }
      const [other] = pending.claim(id, this.follower);
      // The server took the input as steering: go on from where the running turn stands.
      if (other) {
        this.#progress.state = other.state;
        this.#running.resolve();
      }
    } finally {
      pending.settle();
    }
  }

  /** Somebody else has started the turn, and it is the routes that brought it here. */
  #join({ host, id }: RunningTurn): void {
    this.#host = host;
    this.#phase = "sent";
    this.#named(id);
  }

  #named(id: string): void {
    this.#identity.id = id;
    this.#progress.state = { ...this.#progress.state, id };
    this.#accepted.resolve({ id });
  }

  #createFollower(): TurnFollower {
    const state = (): TurnState => this.#progress.state;
    const adoptsStart = () => this.#identity.adoptsStart(state());
    const { handlers } = this.#request;
    return {
      get state() {
        return state();
      },
      get adoptsStart() {
        return adoptsStart();
      },
      handlers,
      receive: (message) => {
        this.#receive(message);
      },
      lost: (failure) => {
        this.#finish(failure);
      },
    };
  }

  #receive(message: NotificationMessage): void {
    // The routes know the turn; what the methods mean is the reducer's business.
    const event = this.#identity.translate(message as TurnEvent);
    this.#progress.add(event);
    this.#listener.event(event);
    if (event.method === "turn/started") this.#running.resolve();
    if (event.method === "turn/completed") this.#finish(undefined);
  }

  /** From now on the turn can only end with `failure`, however it really ends. */
  #stop(failure: Failure): void {
    if (this.hasEnded() || this.#stopped) return;
    this.#stopped = failure;
    if (this.#phase === "waiting") this.#finish(failure);
    else
      void this.interruptAndWait().then(() => {
        this.#finish(failure);
      });
  }

  async #interrupt(): Promise<void> {
    if (this.#phase === "waiting") this.#finishUnsent();
    const accepted = await Promise.race([this.accepted.catch(() => undefined), this.ended]);
    if (!accepted || !this.#host || this.hasEnded()) return;
    await Promise.race([
      interruptTurn(
        this.#host,
        this.#request.threadId,
        () => this.#identity.running ?? accepted.id,
        () => this.untilRunning(),
      ),
      this.ended,
    ]);
  }

  #finishUnsent(): void {
    this.#progress.state = { ...this.#progress.state, status: "interrupted" };
    this.#finish(undefined);
  }

  #finish(failure: Failure | undefined): void {
    if (this.hasEnded()) return;
    this.#phase = "ended";
    this.#failure = this.#stopped ?? failure;
    this.#unlink();
    this.#host?.turns.unfollow(this.#request.threadId, this.#progress.state.id, this.follower);
    this.#pass?.leave();
    if (this.#progress.state.id === "") {
      this.#accepted.reject(this.#failure ? this.#failure() : new TurnNotStartedError());
    }
    this.#listener.ended(this.#failure);
    this.#ended.resolve();
  }
}
