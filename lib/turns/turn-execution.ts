import { type Failure } from "../async/life.js";
import { settleWithin } from "../async/timers.js";
import { copyError, TransportClosedError } from "../errors/connection-errors.js";
import type { TurnState } from "../results/turn-state.js";
import type { GetSession, Session } from "../session/session.js";
import type { PendingTurn, TurnFollower } from "../session/turn-follower.js";
import { runningGraceMs, stopGraceMs } from "./machine/stop.js";
import type { TurnStart } from "./start-place.js";
import { StopUnconfirmedError, TurnTimeoutError } from "./turn-errors.js";
import { TurnDriver } from "./turn-driver.js";
import { TurnLaunch } from "./turn-launch.js";
import type { TurnListener, TurnRequest } from "./turn-request.js";
import { toTurnResult } from "./turn-result.js";

/** How long a caller waits for the server to confirm a stop (ms). */
const confirmationMs = 60_000;

/**
 * A turn that is under way: brings it to the server, and lets others wait for what becomes of it and stop
 * it. What happens behind that is the driver's business. `Turn` is the handle that callers have on it.
 */
export class TurnExecution {
  readonly #request: TurnRequest;
  readonly #driver: TurnDriver;

  constructor(getSession: GetSession, request: TurnRequest, listener: TurnListener) {
    const { start, controls } = request;
    const driver = new TurnDriver(request, listener);
    this.#request = request;
    this.#driver = driver;
    const expired = (timeoutMs: number): Error => {
      const stopConfirmed = driver.life.isOver() || driver.facts.stop === "confirmed";
      const details = { stopConfirmed, sent: driver.life.wasSent };
      return new TurnTimeoutError(timeoutMs, toTurnResult(driver.state), details);
    };
    const stop = (): void => {
      driver.happened({ type: "cutShort" });
    };
    driver.life.limit(controls, stop, expired);
    if (!("send" in start)) this.#join(start.session, start.id);
    else if (!driver.life.isOver()) void this.#start(getSession, start);
  }

  /** How the routes see the turn. */
  get follower(): TurnFollower {
    return this.#driver;
  }

  get state(): TurnState {
    return this.#driver.state;
  }

  /** The connection that runs the turn; undefined until it is there. */
  get session(): Session | undefined {
    return this.#driver.session;
  }

  /** Resolves when the server has named the turn; rejects, unnoticed, when it never will. */
  get accepted(): Promise<{ readonly id: string }> {
    return this.#driver.waiters.accepted;
  }

  /** Resolves when the turn has ended for those who wait for it, whichever way. */
  get ended(): Promise<void> {
    return this.#driver.life.ended;
  }

  hasEnded(): boolean {
    return this.#driver.life.hasEnded();
  }

  /** What the waiters are to be rejected with, once the turn has ended. */
  get failure(): Failure | undefined {
    return this.#driver.life.failure;
  }

  /**
   * Waits for the end, for a period of silence at the most when the turn has an `idleTimeoutMs`.
   *
   * @throws TurnStalledError
   */
  async untilEnded(): Promise<void> {
    this.heard();
    const stalled = await Promise.race([this.ended, this.#driver.waiters.stalled]);
    if (stalled && !this.hasEnded()) throw stalled();
  }

  /** A sub-agent was heard, or somebody begins to wait: `idleTimeoutMs` counts anew. */
  heard(): void {
    this.#driver.heard();
  }

  /**
   * Resolves when the turn can be steered. Of a turn that somebody else has started, and that this
   * one turned out to steer, the server does not say again that it runs: hence the limit.
   */
  async untilRunning(): Promise<void> {
    await settleWithin(Promise.race([this.#driver.waiters.begun, this.ended]), runningGraceMs);
  }

  /**
   * Stops the turn at any stage; concurrent calls share one attempt.
   *
   * @throws StopUnconfirmedError, or what the server refuses it with.
   */
  async interrupt(): Promise<void> {
    const { waiters, life } = this.#driver;
    const outcome = Promise.race([waiters.stopAnswer, life.over]);
    this.#driver.happened({ type: "stopAsked", insist: false });
    if ((await settleWithin(outcome, confirmationMs)) !== "timeout") return;
    throw new StopUnconfirmedError("turn", confirmationMs);
  }

  /** Stops the turn and waits for its end, though not for ever; it goes on being stopped. */
  async interruptAndWait(): Promise<void> {
    if (this.hasEnded() || this.#driver.facts.isPart) return;
    this.#driver.happened({ type: "stopAsked", insist: true });
    await settleWithin(this.ended, stopGraceMs);
  }

  /** Stops a turn that nobody waits for. Resolves when the next one may go onto the thread; never rejects. */
  async stopUnwatched(): Promise<void> {
    const { waiters, life } = this.#driver;
    this.#driver.happened({ type: "givenUp" });
    await Promise.race([waiters.left, life.over]);
  }

  async #start(getSession: GetSession, start: TurnStart): Promise<void> {
    const driver = this.#driver;
    try {
      const session = await getSession();
      if (driver.life.isOver()) return;
      driver.connected(session);
      const launch = new TurnLaunch(session, this.#request, start, driver.life);
      void driver.waiters.left.then(() => {
        launch.leave();
      });
      await launch.prepare();
      while (driver.facts.stage === "waiting") {
        await launch.untilClear();
        if (driver.life.isOver()) return;
        await this.#send(session, launch).catch((error: unknown) => launch.clearTheWay(error));
        driver.happened({ type: "notTaken" });
      }
    } catch (error) {
      driver.happened({ type: "cannotStart", failure: () => copyError(error) });
    }
  }

  async #send(session: Session, launch: TurnLaunch): Promise<void> {
    const driver = this.#driver;
    const pending = session.turns.expect(this.#request.threadId, driver);
    try {
      let id = await launch.send(pending, () => {
        driver.happened({ type: "sent" });
      });
      if (id instanceof TransportClosedError) {
        driver.happened({ type: "answerLost" });
        id = await launch.find(pending, id);
      }
      if (id !== undefined && !driver.life.isOver()) this.#take(id, pending);
    } finally {
      pending.settle();
    }
  }

  #take(id: string, pending: PendingTurn): void {
    const driver = this.#driver;
    driver.named(id);
    driver.happened({ type: "accepted" });
    const [other] = pending.claim(id, driver);
    if (other) driver.joined(other.state);
  }

  /** Somebody else has started the turn, and it is the routes that brought it here. */
  #join(session: Session, id: string): void {
    this.#driver.connected(session);
    this.#driver.named(id);
    this.#driver.found();
  }
}
