import { orAborted } from "../async/abort.js";
import { ignoreRejection } from "../async/deferred.js";
import type { Life } from "../async/life.js";
import { poll } from "../async/poll.js";
import { settleWithin } from "../async/timers.js";
import { copyError, isDrop, TransportClosedError } from "../errors/connection-errors.js";
import { ThreadBusyError, ThreadNotFoundError } from "../errors/rpc-errors.js";
import { busyError } from "../session/busy-error.js";
import type { GetSession, Session } from "../session/session.js";
import type { PendingTurn } from "../session/turn-follower.js";
import type { Slot } from "../session/turn-slots.js";
import { attachTurn } from "./attach-turn.js";
import { TurnNotStartedError } from "./turn-errors.js";
import { TurnExecution } from "./turn-execution.js";
import type { StartPlace, TurnListener, TurnRequest, TurnStart } from "./turn-request.js";

/** The shortest pause before a request is repeated (ms). */
const pauseMs = 50;

/** How long the server may say that an idle thread is busy (ms). */
const maxBusyMs = 10_000;

/** How often the server is asked about a turn whose answer was lost, when it refuses to tell. */
const maxLookups = 6;

/**
 * Brings a turn to the server. One that somebody else has started is looked for and followed only, and one that the
 * routes have found, followed.
 */
export function startTurn(
  getSession: GetSession,
  request: TurnRequest,
  listener: TurnListener,
): TurnExecution {
  const turn = new TurnExecution(request, listener);
  const { start } = request;
  if (turn.life.isOver()) return turn;
  if ("send" in start) void bring(turn, getSession, request, start);
  else if ("sought" in start) void attachTurn(turn, getSession, start.sought);
  return turn;
}

async function bring(
  turn: TurnExecution,
  getSession: GetSession,
  request: TurnRequest,
  start: TurnStart,
): Promise<void> {
  try {
    const session = await getSession(start.method);
    if (turn.life.isOver()) return;
    turn.connected(session);
    await new Launch(turn, session, request, start).run();
  } catch (error) {
    turn.happened({ type: "cannotStart", failure: () => copyError(error) });
  }
}

/** The way of a turn onto its thread: its place in the line, the thread loaded, nothing in the way. */
class Launch {
  readonly #turn: TurnExecution;
  readonly #life: Life;
  readonly #session: Session;
  readonly #request: TurnRequest;
  readonly #start: TurnStart;
  readonly #whenBusy: "queue" | "steer" | "reject";
  readonly #slot: Slot;
  #reloaded = false;
  #isAdmitted = false;
  /** Since when the server has refused the turn though no turn runs (ms, of the performance clock). */
  #busySince: number | undefined;

  /**
   * Turns run in the order of the calls, so it stands in line at once.
   *
   * @throws ThreadBusyError
   */
  constructor(turn: TurnExecution, session: Session, request: TurnRequest, start: TurnStart) {
    this.#turn = turn;
    this.#life = turn.life;
    this.#session = session;
    this.#request = request;
    this.#start = start;
    this.#whenBusy = request.controls.whenBusy ?? "queue";
    const { slots } = session.thread(request.threadId);
    if (this.#whenBusy === "reject" && slots.isBusy) throw busyError(start.method);
    this.#slot = slots.enter({ wait: this.#whenBusy === "queue" });
    const leave = (): void => {
      this.#slot.leave();
    };
    this.#life.onOver(leave);
    void turn.left.then(leave);
  }

  /** Waits for the turns before it, makes ready what is sent meanwhile, and sends that until the server has it. */
  async run(): Promise<void> {
    const prepared = ignoreRejection(Promise.resolve(this.#start.prepare?.(this.#session)));
    await Promise.race([Promise.all([this.#slot.admitted, prepared]), this.#life.over]);
    while (this.#turn.facts.stage === "waiting") {
      await this.#untilClear();
      if (this.#life.isOver()) return;
      if (await this.#hadToWait()) continue;
      await this.#attempt().catch((error: unknown) => this.#clearTheWay(error));
      this.#turn.happened({ type: "notTaken" });
    }
  }

  /**
   * Waits until the thread is loaded and no turn runs there, or the turn is over.
   *
   * @throws ThreadBusyError
   */
  async #untilClear(): Promise<void> {
    await this.#session.load(this.#request.threadId);
    // Loading may have shown that the thread runs a turn of somebody else; another one may follow it.
    for (let clear = this.#untilIdle(); clear && !this.#life.isOver(); clear = this.#untilIdle()) {
      if (this.#whenBusy === "reject") throw busyError(this.#start.method);
      if (this.#whenBusy === "steer" && this.#slot.idle()) return;
      await Promise.race([clear, this.#life.over]);
      this.#busySince = undefined;
    }
  }

  /** Waits until the client lets the turn begin. Resolves with whether something may be in its way again. */
  async #hadToWait(): Promise<boolean> {
    const joinsAnother = this.#whenBusy === "steer" && this.#slot.idle() !== undefined;
    if (this.#isAdmitted || joinsAnother) return false;
    this.#isAdmitted = true;
    const admission = this.#session.work.admission(this.#life);
    if (!admission) return false;
    // A connection that ends meanwhile would not be noticed before there is a place.
    await orAborted(admission, this.#session.signal);
    return true;
  }

  /**
   * When a goal's turn is about to start, a message or a shell command would become part of it, and a
   * compaction would cut it short.
   */
  #untilIdle(): Promise<void> | undefined {
    const { method } = this.#start;
    const mindsGoals = method !== "review/start" && method !== "thread/queue/start";
    const goalTurn = () => this.#session.thread(this.#request.threadId).goal.settled;
    return this.#slot.clear() ?? (mindsGoals ? goalTurn() : undefined);
  }

  async #attempt(): Promise<void> {
    const turn = this.#turn;
    const { threadId } = this.#request;
    const pending = this.#session.turns.expect(threadId, turn);
    const place = { session: this.#session, threadId, pending, life: this.#life };
    try {
      let id = await this.#send(place);
      if (id instanceof TransportClosedError) {
        turn.happened({ type: "answerLost" });
        id = await this.#find(place, id);
      }
      if (id !== undefined && !this.#life.isOver()) this.#take(id, pending);
    } finally {
      pending.settle();
    }
  }

  #take(id: string, pending: PendingTurn): void {
    this.#turn.named(id);
    this.#turn.happened({ type: "accepted" });
    const [other] = pending.claim(id, this.#turn);
    if (other) this.#turn.joined(other.state);
  }

  /**
   * Sends the turn, and resolves with its id; with undefined when it was not sent, since the connection
   * dropped before, and with the error when it dropped afterwards: the server may have the turn then.
   */
  async #send(place: StartPlace): Promise<string | TransportClosedError | undefined> {
    // Until it is written, there may be no room for it, or no connection: it can be withdrawn then.
    let isSent = false;
    const withdrawn = new AbortController();
    void this.#life.over.then(() => {
      if (!isSent) withdrawn.abort(new TurnNotStartedError());
    });
    const onSent = (): void => {
      if (!isSent) this.#turn.happened({ type: "sent" });
      isSent = true;
    };
    const { trace } = this.#request.controls;
    const request = { trace, signal: withdrawn.signal, onSent };
    try {
      return await this.#start.send({ ...place, request });
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
  async #find(place: StartPlace, dropped: TransportClosedError): Promise<string | undefined> {
    let failures = 0;
    type Found = { readonly id: string | undefined } | undefined;
    const look = async (): Promise<Found> => {
      await this.#session.available();
      try {
        const id = await this.#start.find?.(place);
        if (id !== undefined) this.#session.turns.of(place.threadId)?.missed();
        return { id };
      } catch (error) {
        if (isDrop(error)) return look();
        failures += 1;
        if (failures === maxLookups || error instanceof TransportClosedError) throw dropped;
        return undefined;
      }
    };
    // Also of a turn that was given up: it must not run on.
    const { closed } = this.#session;
    return (await poll(look, { pauseMs: 2 * pauseMs, maxPauseMs: maxBusyMs, wake: closed }))?.id;
  }

  /** Changes what has kept the server from taking the turn. Throws what another attempt would not help against. */
  async #clearTheWay(error: unknown): Promise<void> {
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

  /** A server that says of the thread both that it is busy and that it is idle is not asked for ever. */
  async #pauseWhenBusy(error: ThreadBusyError): Promise<void> {
    this.#busySince ??= performance.now();
    const busyMs = performance.now() - this.#busySince;
    if (busyMs > maxBusyMs) throw error;
    await settleWithin(this.#life.over, Math.max(pauseMs, busyMs / 2));
  }
}
