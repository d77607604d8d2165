import { ignoreRejection } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { isDrop, TransportClosedError } from "../errors/connection-errors.js";
import { ThreadBusyError, ThreadNotFoundError } from "../errors/rpc-errors.js";
import { TurnNotStartedError } from "./turn-errors.js";
import type { GetSession, Session } from "../session/session.js";
import type { TurnFollower } from "../session/turn-follower.js";
import type { PendingTurn } from "../session/turn-routes.js";
import type { Slot } from "../session/turn-slots.js";
import { busyError } from "../session/busy-error.js";
import type { TurnRequest } from "./turn-request.js";
import type { TurnStart } from "./start-place.js";
import type { StartPlace } from "./start-place.js";

/** The shortest pause before a request is repeated (ms). */
const pauseMs = 50;

/** How long the server may say that an idle thread is busy (ms). */
const maxBusyMs = 10_000;

/** How often the server is asked about a turn whose answer was lost, when it refuses to tell. */
const maxLookups = 6;

/** Who is told how far a turn has come that is being started. */
interface LaunchOwner {
  /** Resolves when the turn is over, and is not to be started any more. */
  readonly over: Promise<void>;
  readonly follower: TurnFollower;
  isOver(): boolean;
  connected(session: Session): void;
  /** The turn waits here, is under way to the server, or was when the connection dropped. */
  sending(stage: "waiting" | "sent" | "dropped"): void;
  /** The server has taken the turn. */
  accepted(id: string, pending: PendingTurn<TurnFollower>): void;
  /** It was not taken, and will be sent again unless it ends now. */
  refused(): void;
}

/** Brings a turn to the server: waits for its thread, loads it, and sends what starts the turn. */
export class TurnLaunch {
  readonly #request: TurnRequest;
  readonly #start: TurnStart;
  readonly #owner: LaunchOwner;
  #slot: Slot | undefined;
  #reloaded = false;
  /** Since when the server has refused the turn though no turn runs (ms, of the performance clock). */
  #busySince: number | undefined;

  constructor(request: TurnRequest, start: TurnStart, owner: LaunchOwner) {
    this.#request = request;
    this.#start = start;
    this.#owner = owner;
  }

  /** Resolves at the turn's end; rejects with what keeps it from starting. */
  async run(getSession: GetSession): Promise<void> {
    const { over } = this.#owner;
    const session = await getSession();
    this.#owner.connected(session);
    if (this.#owner.isOver()) return;
    // Turns run in the order of the calls, so the slot comes before anything that takes time.
    const slot = this.#waitInLine(session);
    this.#slot = slot;
    const prepared = ignoreRejection(Promise.resolve(this.#start.prepare?.(session)));
    await Promise.race([Promise.all([slot.admitted, prepared]), over]);
    while (!this.#owner.isOver()) await this.#attempt(session, slot);
  }

  /** The turn has ended: the next one may start. */
  leave(): void {
    this.#slot?.leave();
  }

  #waitInLine(session: Session): Slot {
    const { threadId, controls } = this.#request;
    const { whenBusy = "queue" } = controls;
    if (whenBusy === "reject" && session.thread(threadId).slots.isBusy)
      throw busyError(this.#start.method);
    return session.thread(threadId).slots.enter({ wait: whenBusy === "queue" });
  }

  /** Gets the turn accepted and waits for its end, or changes what was in its way. */
  async #attempt(session: Session, slot: Slot): Promise<void> {
    const { threadId, controls } = this.#request;
    const { whenBusy = "queue" } = controls;
    const { over } = this.#owner;
    this.#owner.sending("waiting");
    await session.load(threadId);
    // Loading may have shown that the thread runs a turn of somebody else; another one may follow it.
    const untilClear = (): Promise<void> | undefined =>
      slot.clear() ?? this.#untilGoalTurn(session);
    for (let clear = untilClear(); clear && !this.#owner.isOver(); clear = untilClear()) {
      if (whenBusy === "reject") throw busyError(this.#start.method);
      if (whenBusy === "steer" && slot.idle()) break;
      await Promise.race([clear, over]);
      this.#busySince = undefined;
    }
    if (this.#owner.isOver()) return;
    let isTaken = false;
    try {
      isTaken = await this.#send(session);
    } catch (error) {
      await this.#clearTheWay(session, error);
    }
    if (isTaken) await over;
    else this.#owner.refused();
  }

  /** A message that comes when a goal's turn is about to start would become part of it. */
  #untilGoalTurn(session: Session): Promise<void> | undefined {
    const isMessage = this.#start.method === "turn/start";
    return isMessage ? session.thread(this.#request.threadId).goal.settled : undefined;
  }

  /** Resolves with whether the server has the turn. */
  async #send(session: Session): Promise<boolean> {
    const pending = session.turns.expect(this.#request.threadId, this.#owner.follower);
    try {
      const id = await this.#accept(session, pending);
      if (id !== undefined) this.#owner.accepted(id, pending);
      return id !== undefined;
    } finally {
      pending.settle();
    }
  }

  /**
   * Sends it, and resolves with the turn's id, also when the answer was lost with the connection; with
   * undefined when the request was.
   */
  async #accept(session: Session, pending: PendingTurn<TurnFollower>): Promise<string | undefined> {
    const { threadId, controls } = this.#request;
    const { over } = this.#owner;
    const isOver = () => this.#owner.isOver();
    // Until it is written, there may be no room for it, or no connection: it can be withdrawn then.
    let isSent = false;
    const withdrawn = new AbortController();
    void over.then(() => {
      if (!isSent) withdrawn.abort(new TurnNotStartedError());
    });
    const onSent = (): void => {
      if (!isSent) this.#owner.sending("sent");
      isSent = true;
    };
    const request = { trace: controls.trace, signal: withdrawn.signal, onSent };
    const place = { session, threadId, pending, over, isOver, request };
    try {
      return await this.#start.send(place);
    } catch (error) {
      // What was not sent before the drop is sent over the next connection.
      if (isDrop(error) && !error.sent) return undefined;
      if (!isDrop(error) || !this.#start.find) throw error;
      this.#owner.sending("dropped");
      const id = await this.#find(place, error);
      if (id !== undefined) session.turns.missed(threadId);
      return id;
    }
  }

  /**
   * As often as the connection drops meanwhile: to send it again without knowing would run it twice. If
   * the server does not tell, it stays unknown what became of the request, as `dropped` says.
   */
  async #find(place: StartPlace, dropped: TransportClosedError): Promise<string | undefined> {
    for (let failures = 0; ;) {
      await place.session.available();
      try {
        return await this.#start.find?.(place);
      } catch (error) {
        if (isDrop(error)) continue;
        failures += 1;
        if (failures === maxLookups || error instanceof TransportClosedError) throw dropped;
        // Also of a turn that was given up: it must not run on.
        await settleWithin(place.session.closed, pauseMs * 2 ** failures);
      }
    }
  }

  /** Throws what another attempt would not help against. */
  async #clearTheWay(session: Session, error: unknown): Promise<void> {
    const { threadId, controls } = this.#request;
    const { whenBusy = "queue" } = controls;
    if (error instanceof ThreadNotFoundError && !this.#reloaded) {
      // Unloaded behind our back: the server forgot the thread, but has it stored.
      this.#reloaded = true;
      session.unload(threadId);
    } else if (error instanceof ThreadBusyError && whenBusy === "queue") {
      // A review or a compaction, which cannot be steered, had begun before we heard of it.
      // Loading the thread again tells whether it still runs.
      session.unload(threadId);
      await this.#pauseWhenBusy(error);
    } else {
      throw error;
    }
  }

  /** A server that says of the thread both that it is busy and that it is idle is not asked for ever. */
  async #pauseWhenBusy(error: ThreadBusyError): Promise<void> {
    this.#busySince ??= performance.now();
    const busyMs = performance.now() - this.#busySince;
    if (busyMs > maxBusyMs) throw error;
    await settleWithin(this.#owner.over, Math.max(pauseMs, busyMs / 2));
  }
}
