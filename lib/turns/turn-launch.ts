import { ignoreRejection } from "../async/deferred.js";
import type { Life } from "../async/life.js";
import { settleWithin } from "../async/timers.js";
import { isDrop, TransportClosedError } from "../errors/connection-errors.js";
import { ThreadBusyError, ThreadNotFoundError } from "../errors/rpc-errors.js";
import { busyError } from "../session/busy-error.js";
import type { Session } from "../session/session.js";
import type { PendingTurn } from "../session/turn-follower.js";
import type { Slot } from "../session/turn-slots.js";
import type { StartPlace, TurnStart } from "./start-place.js";
import { TurnNotStartedError } from "./turn-errors.js";
import type { TurnRequest } from "./turn-request.js";

/** The shortest pause before a request is repeated (ms). */
const pauseMs = 50;

/** How long the server may say that an idle thread is busy (ms). */
const maxBusyMs = 10_000;

/** How often the server is asked about a turn whose answer was lost, when it refuses to tell. */
const maxLookups = 6;

/** The way of a turn onto its thread: its place in the line, the thread loaded, nothing in the way. */
export class TurnLaunch {
  readonly #session: Session;
  readonly #request: TurnRequest;
  readonly #start: TurnStart;
  readonly #life: Life;
  readonly #slot: Slot;
  #reloaded = false;
  /** Since when the server has refused the turn though no turn runs (ms, of the performance clock). */
  #busySince: number | undefined;

  /**
   * Turns run in the order of the calls, so it stands in line at once.
   *
   * @throws ThreadBusyError
   */
  constructor(session: Session, request: TurnRequest, start: TurnStart, life: Life) {
    this.#session = session;
    this.#request = request;
    this.#start = start;
    this.#life = life;
    const { threadId } = request;
    if (this.#whenBusy === "reject" && session.thread(threadId).slots.isBusy)
      throw busyError(start.method);
    this.#slot = session.thread(threadId).slots.enter({ wait: this.#whenBusy === "queue" });
    life.onOver(() => {
      this.leave();
    });
  }

  /** Waits for the turns before it, and makes ready what is sent meanwhile. */
  async prepare(): Promise<void> {
    const prepared = ignoreRejection(Promise.resolve(this.#start.prepare?.(this.#session)));
    await Promise.race([Promise.all([this.#slot.admitted, prepared]), this.#life.over]);
  }

  /**
   * Waits until the thread is loaded and no turn runs there, or the turn is over.
   *
   * @throws ThreadBusyError
   */
  async untilClear(): Promise<void> {
    await this.#session.load(this.#request.threadId);
    // Loading may have shown that the thread runs a turn of somebody else; another one may follow it.
    for (let clear = this.#untilIdle(); clear && !this.#life.isOver(); clear = this.#untilIdle()) {
      if (this.#whenBusy === "reject") throw busyError(this.#start.method);
      if (this.#whenBusy === "steer" && this.#slot.idle()) return;
      await Promise.race([clear, this.#life.over]);
      this.#busySince = undefined;
    }
  }

  /**
   * Sends the turn, and resolves with its id; with undefined when it was not sent, since the connection
   * dropped before, and with the error when it dropped afterwards: the server may have the turn then.
   */
  async send(
    pending: PendingTurn,
    sent: () => void,
  ): Promise<string | TransportClosedError | undefined> {
    // Until it is written, there may be no room for it, or no connection: it can be withdrawn then.
    let isSent = false;
    const withdrawn = new AbortController();
    void this.#life.over.then(() => {
      if (!isSent) withdrawn.abort(new TurnNotStartedError());
    });
    const onSent = (): void => {
      if (!isSent) sent();
      isSent = true;
    };
    const { trace } = this.#request.controls;
    const request = { trace, signal: withdrawn.signal, onSent };
    try {
      return await this.#start.send({ ...this.#place(pending), request });
    } catch (error) {
      if (isDrop(error) && !error.sent) return undefined;
      if (isDrop(error) && this.#start.find) return error;
      throw error;
    }
  }

  /**
   * Whether a turn has arrived whose answer was lost with the connection: resolves with its id, or with
   * undefined when it has not. Asks as often as the connection drops meanwhile: to send it again without
   * knowing would run it twice. If the server does not tell, it stays unknown, as `dropped` says.
   *
   * @throws TransportClosedError
   */
  async find(pending: PendingTurn, dropped: TransportClosedError): Promise<string | undefined> {
    for (let failures = 0; ;) {
      await this.#session.available();
      try {
        const id = await this.#start.find?.(this.#place(pending));
        if (id !== undefined) this.#session.turns.of(this.#request.threadId)?.missed();
        return id;
      } catch (error) {
        if (isDrop(error)) continue;
        failures += 1;
        if (failures === maxLookups || error instanceof TransportClosedError) throw dropped;
        // Also of a turn that was given up: it must not run on.
        await settleWithin(this.#session.closed, pauseMs * 2 ** failures);
      }
    }
  }

  /** Changes what has kept the server from taking the turn. Throws what another attempt would not help against. */
  async clearTheWay(error: unknown): Promise<void> {
    if (error instanceof ThreadNotFoundError && !this.#reloaded) {
      // Unloaded behind our back: the server forgot the thread, but has it stored.
      this.#reloaded = true;
      this.#session.unload(this.#request.threadId);
    } else if (error instanceof ThreadBusyError && this.#whenBusy === "queue") {
      // A review or a compaction, which cannot be steered, had begun before we heard of it.
      // Loading the thread again tells whether it still runs.
      this.#session.unload(this.#request.threadId);
      await this.#pauseWhenBusy(error);
    } else {
      throw error;
    }
  }

  /** The next turn may go onto the thread. */
  leave(): void {
    this.#slot.leave();
  }

  #place(pending: PendingTurn): StartPlace {
    return { session: this.#session, threadId: this.#request.threadId, pending, life: this.#life };
  }

  get #whenBusy(): "queue" | "steer" | "reject" {
    return this.#request.controls.whenBusy ?? "queue";
  }

  /** A message that comes when a goal's turn is about to start would become part of it. */
  #untilIdle(): Promise<void> | undefined {
    const isMessage = this.#start.method === "turn/start";
    const goalTurn = () => this.#session.thread(this.#request.threadId).goal.settled;
    return this.#slot.clear() ?? (isMessage ? goalTurn() : undefined);
  }

  /** A server that says of the thread both that it is busy and that it is idle is not asked for ever. */
  async #pauseWhenBusy(error: ThreadBusyError): Promise<void> {
    this.#busySince ??= performance.now();
    const busyMs = performance.now() - this.#busySince;
    if (busyMs > maxBusyMs) throw error;
    await settleWithin(this.#life.over, Math.max(pauseMs, busyMs / 2));
  }
}
