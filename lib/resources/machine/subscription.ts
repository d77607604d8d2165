import { onAbort, throwIfAborted } from "../../async/abort.js";
import type { BacklogRules } from "../../async/backlog.js";
import { Deferred, ignoreRejection } from "../../async/deferred.js";
import { EventQueue } from "../../async/event-queue.js";
import { settleWithin } from "../../async/timers.js";
import { checkSignal } from "../../errors/check-values.js";
import { copyError, TransportClosedError } from "../../errors/connection-errors.js";
import { HandleClosedError } from "../../errors/machine-errors.js";
import type { GetSession, Session } from "../../session/session.js";
import { undoneWhenLate } from "../../session/confirm-end.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";

/** What the server is told, and what it tells. */
export interface SubscriptionSource<T> {
  /** Takes in notifications, until the functions that it returns are called. */
  listen(session: Session, push: (event: T) => void): (() => void)[];
  /** Asks the server to begin. */
  open(session: Session, options: RequestOptions): Promise<unknown>;
  /** Asks it to stop, until it has. Never rejects. */
  close(session: Session): Promise<unknown>;
  /** What becomes of events that nobody has read yet. Beyond its limit the subscription ends. */
  readonly backlog: BacklogRules<T>;
  /** What it is called, and the call that starts another. */
  readonly name: readonly [what: string, call: string];
}

/** How long the server may take to stop before nobody waits any longer; it goes on being asked (ms). */
const stopGraceMs = 10_000;

/**
 * Something that the server reports from time to time until it is told to stop: asked for at once,
 * read by one consumer, stopped once, whatever the end. What is not read is merged, not piled up.
 */
export class Subscription<T> {
  /** Resolves with the connection when the server has begun; rejects, unnoticed, if it never will. */
  readonly ready: Promise<Session>;
  readonly queue: EventQueue<T>;
  readonly #source: SubscriptionSource<T>;
  readonly #ready = new Deferred<Session>();
  readonly #stops: (() => void)[] = [];
  #opened: Promise<Session | undefined> | undefined;
  /** Aborts when the connection is gone on which the server reports; what it does ends with it. */
  #connection: AbortSignal | undefined;
  #closing: Promise<void> | undefined;

  /** @throws InvalidArgumentError for what is not a signal. */
  constructor(
    getSession: GetSession,
    source: SubscriptionSource<T>,
    signal: AbortSignal | undefined,
  ) {
    checkSignal(signal);
    this.#source = source;
    this.queue = new EventQueue<T>(() => this.close(), {
      ...source.backlog,
      overflow: () => {
        const reason = source.backlog.overflow();
        this.#release(reason);
        return reason;
      },
    });
    this.ready = ignoreRejection(this.#ready.promise);
    const unlink = onAbort(signal, (reason) => {
      this.#fail(reason);
    });
    this.#stops.push(unlink);
    if (!signal?.aborted) void this.#open(getSession);
  }

  /** The connection, while it can be talked about. @throws HandleClosedError after the end. */
  async session(): Promise<Session> {
    const session = await this.ready;
    if (this.#connection?.aborted) throw copyError(this.#connection.reason);
    if (this.#isOver()) throw new HandleClosedError(...this.#source.name);
    return session;
  }

  /** Stops it, and waits until the server has done so. Never rejects; calling it again is harmless. */
  close(): Promise<void> {
    this.#release(new HandleClosedError(...this.#source.name));
    this.queue.end();
    return this.#closing ?? Promise.resolve();
  }

  async #open(getSession: GetSession): Promise<void> {
    try {
      const session = await getSession();
      if (this.#isOver()) return;
      throwIfAborted(session.connectionSignal);
      this.queue.countIn(session.backlogs);
      this.#connection = session.connectionSignal;
      // Before it is asked, so that nothing it says is missed.
      this.#stops.push(
        onAbort(this.#connection, (reason) => {
          this.#lost(reason);
        }),
        ...this.#source.listen(session, (event) => {
          this.queue.push(event);
        }),
      );
      const opening = this.#source.open(
        session,
        undoneWhenLate("If it does, this client ends it.", () => void this.#source.close(session)),
      );
      this.#opened = opening.then(
        () => session,
        () => undefined,
      );
      await opening;
      this.#ready.resolve(session);
    } catch (error) {
      this.#lost(error);
    }
  }

  /** Closing the client was the caller's wish; nothing else must look like a natural end. */
  #lost(reason: unknown): void {
    if (!(reason instanceof TransportClosedError) || reason.reason.kind !== "closed") {
      this.#fail(reason);
      return;
    }
    this.#release(copyError(reason));
    this.queue.end();
  }

  #fail(reason: unknown): void {
    this.#release(copyError(reason));
    this.queue.fail(copyError(reason));
  }

  #release(reason: unknown): void {
    if (this.#isOver()) return;
    this.#unlink();
    this.#ready.reject(reason);
    this.#closing = this.#stop();
  }

  async #stop(): Promise<void> {
    // What is still being begun cannot be stopped yet.
    const session = await this.#opened;
    if (!session || this.#connection?.aborted) return;
    await settleWithin(this.#source.close(session), stopGraceMs);
  }

  #unlink(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #isOver(): boolean {
    return this.#closing !== undefined;
  }
}
