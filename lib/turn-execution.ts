import type { UserInput } from "../generated/types.js";
import { onAbort } from "./async/abort.js";
import { Deferred, ignoreRejection } from "./async/deferred.js";
import { maxTimerMs, settleWithin } from "./async/timers.js";
import { TransportClosedError } from "./errors/connection-errors.js";
import { ThreadBusyError, ThreadNotFoundError } from "./errors/rpc-errors.js";
import { TurnNotStartedError, TurnTimeoutError } from "./errors/turn-errors.js";
import { checkLocalFiles } from "./input.js";
import type { TurnEvent } from "./protocol.js";
import type { NotificationMessage } from "./rpc/message.js";
import type { Pass } from "./rpc/thread-gate.js";
import type { Connect, ThreadHost, TurnFollower } from "./thread-host.js";
import { interruptTurn } from "./turn-interrupt.js";
import type { TurnControls, TurnStartSettings } from "./turn-options.js";
import { toTurnResult } from "./turn-result.js";
import { initialTurnState, reduceTurn, type TurnState } from "./turn-state.js";

/** How long a turn that is being stopped may take to end before nobody waits any longer (ms). */
const stopGraceMs = 10_000;

/** Makes what the waiters of a turn are rejected with: an instance of its own for each. */
export type Failure = () => unknown;

export interface TurnRequest {
  readonly threadId: string;
  readonly items: UserInput[];
  readonly controls: TurnControls;
  readonly settings: TurnStartSettings;
}

/** Who is told of the turn's progress. Neither function may throw. */
export interface TurnListener {
  event(event: TurnEvent): void;
  ended(failure: Failure | undefined): void;
}

/**
 * The life of one turn: waiting for its thread, `turn/start`, following its events, being stopped,
 * and its one end. `Turn` is the handle that callers have on it.
 */
export class TurnExecution {
  /** Resolves when the server has named the turn; rejects, unnoticed, when it never will. */
  readonly accepted: Promise<{ readonly id: string }>;
  /** Resolves when the server says that the turn runs; only then can it be interrupted. */
  readonly running: Promise<void>;
  /** Resolves, whichever way the turn ends. */
  readonly ended: Promise<void>;

  readonly #connect: Connect;
  readonly #request: TurnRequest;
  readonly #listener: TurnListener;
  readonly #accepted = new Deferred<{ readonly id: string }>();
  readonly #running = new Deferred<void>();
  readonly #ended = new Deferred<void>();
  readonly #follower: TurnFollower;
  #state: TurnState;
  #host: ThreadHost | undefined;
  #pass: Pass | undefined;
  #phase: "waiting" | "sent" | "ended" = "waiting";
  #failure: Failure | undefined;
  #stopped: Failure | undefined;
  #interrupting: Promise<void> | undefined;
  #unlink: () => void = () => undefined;

  constructor(connect: Connect, request: TurnRequest, listener: TurnListener) {
    this.#connect = connect;
    this.#request = request;
    this.#listener = listener;
    this.accepted = ignoreRejection(this.#accepted.promise);
    this.running = this.#running.promise;
    this.ended = this.#ended.promise;
    this.#state = initialTurnState(request.threadId);
    this.#follower = this.#createFollower();
    this.#unlink = this.#watchForStops();
    void this.#execute();
  }

  get state(): TurnState {
    return this.#state;
  }

  /** What the waiters are to be rejected with, once the turn has ended. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  hasEnded(): boolean {
    return this.#phase === "ended";
  }

  /** The connection that runs the turn; undefined until it is there. */
  get host(): ThreadHost | undefined {
    return this.#host;
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

  async #execute(): Promise<void> {
    try {
      await checkLocalFiles(this.#request.items);
      if (this.hasEnded()) return;
      const host = await this.#connect();
      if (this.hasEnded()) return;
      this.#host = host;
      await this.#waitForThread(host);
      if (this.hasEnded()) return;
      await host.load(this.#request.threadId);
      if (this.hasEnded()) return;
      this.#phase = "sent";
      await this.#start(host).catch(async (error: unknown) => {
        // Unloaded behind our back: the server forgot the thread, but has it stored.
        if (!(error instanceof ThreadNotFoundError)) throw error;
        host.unload(this.#request.threadId);
        await host.load(this.#request.threadId);
        await this.#start(host);
      });
    } catch (error) {
      this.#finish(() => error);
    }
  }

  async #waitForThread(host: ThreadHost): Promise<void> {
    const { threadId, controls } = this.#request;
    const { whenBusy = "queue" } = controls;
    if (whenBusy === "reject" && host.gate.isBusy(threadId)) {
      throw new ThreadBusyError(
        {
          method: "turn/start",
          rpcCode: 0,
          message: "the thread already runs a turn.",
          data: null,
        },
        'It was not sent. Wait for that turn, or choose whenBusy: "queue" or "steer".',
      );
    }
    this.#pass = host.gate.enter(threadId, { wait: whenBusy === "queue" });
    await Promise.race([this.#pass.admitted, this.ended]);
  }

  async #start(host: ThreadHost): Promise<void> {
    const { threadId, items, settings } = this.#request;
    const pending = host.turns.expect(threadId);
    try {
      const { turn } = await host.call("turn/start", { ...settings, threadId, input: items });
      this.#state = { ...this.#state, id: turn.id };
      this.#accepted.resolve({ id: turn.id });
      // Whoever waited for the answer may have given up meanwhile.
      if (this.hasEnded()) {
        await interruptTurn(host, threadId, turn.id, this.running);
        return;
      }
      const [other] = pending.claim(turn.id, this.#follower);
      if (other) this.#join(other);
    } finally {
      pending.settle();
    }
  }

  /** The server took the input as steering: go on from where the running turn stands. */
  #join(other: TurnFollower): void {
    this.#state = other.state;
    this.#running.resolve();
  }

  #createFollower(): TurnFollower {
    const state = (): TurnState => this.#state;
    return {
      get state() {
        return state();
      },
      receive: (message) => {
        this.#receive(message);
      },
      connectionClosed: (reason) => {
        this.#finish(() => new TransportClosedError(reason, "the turn"));
      },
    };
  }

  #receive(message: NotificationMessage): void {
    // The routes know the turn; what the methods mean is the reducer's business.
    const event = message as TurnEvent;
    try {
      this.#state = reduceTurn(this.#state, event);
    } catch {
      // Known method, unknown shape: the event is still delivered, and the turn still ends.
    }
    this.#listener.event(event);
    if (event.method === "turn/started") this.#running.resolve();
    if (event.method === "turn/completed") this.#finish(undefined);
  }

  /** Returns the function that stops watching. */
  #watchForStops(): () => void {
    const { signal, timeoutMs } = this.#request.controls;
    const unlink = onAbort(signal, (reason) => {
      this.#stop(() => reason);
    });
    if (timeoutMs === undefined || timeoutMs > maxTimerMs || this.hasEnded()) return unlink;
    const timer = setTimeout(() => {
      this.#stop(() => new TurnTimeoutError(timeoutMs, toTurnResult(this.#state)));
    }, timeoutMs);
    return () => {
      clearTimeout(timer);
      unlink();
    };
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
    if (this.#phase === "waiting") {
      this.#state = { ...this.#state, status: "interrupted" };
      this.#finish(undefined);
    }
    const accepted = await Promise.race([this.accepted.catch(() => undefined), this.ended]);
    if (!accepted || !this.#host || this.hasEnded()) return;
    const running = Promise.race([this.running, this.ended]);
    await Promise.race([
      interruptTurn(this.#host, this.#request.threadId, accepted.id, running),
      this.ended,
    ]);
  }

  #finish(failure: Failure | undefined): void {
    if (this.hasEnded()) return;
    this.#phase = "ended";
    this.#failure = this.#stopped ?? failure;
    this.#unlink();
    this.#host?.turns.unfollow(this.#request.threadId, this.#state.id, this.#follower);
    this.#pass?.leave();
    if (this.#state.id === "") {
      this.#accepted.reject(this.#failure ? this.#failure() : new TurnNotStartedError());
    }
    this.#listener.ended(this.#failure);
    this.#ended.resolve();
  }
}
