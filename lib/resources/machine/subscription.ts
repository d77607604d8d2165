import { throwIfAborted } from "../../async/abort.js";
import type { BacklogRules } from "../../async/backlog.js";
import { Deferred, ignoreRejection } from "../../async/deferred.js";
import { settleWithin } from "../../async/timers.js";
import { checkSignal } from "../../errors/check-values.js";
import { copyError } from "../../errors/connection-errors.js";
import { HandleClosedError } from "../../errors/machine-errors.js";
import type { GetSession, Session } from "../../session/session.js";
import { undoneWhenLate } from "../../session/confirm-end.js";
import { Following } from "../../jsonrpc/following.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";

/** The requests and notifications of a subscription. */
export interface SubscriptionSource<T> {
  /** Takes in notifications, until the functions that it returns are called. */
  listen(session: Session, push: (event: T) => void): (() => void)[];
  /** Asks the server to begin. */
  open(session: Session, options: RequestOptions): Promise<unknown>;
  /** Asks it to stop, until it has. Never rejects. */
  close(session: Session): Promise<unknown>;
  /** The rules for events that wait to be read. Beyond their limit the subscription ends. */
  readonly backlog: BacklogRules<T>;
  /** The name for messages, and the call that starts another. */
  readonly name: readonly [what: string, call: string];
}

/** How long `close()` waits for the server to stop (ms); the client goes on asking. */
const stopGraceMs = 10_000;

/**
 * Something that the server reports from time to time until it is told to stop: asked for at once,
 * read by one consumer, stopped once, whatever the end. What is not read is merged, not piled up.
 */
export class Subscription<T> {
  /** Resolves with the connection when the server has begun; rejects, unnoticed, if it never will. */
  readonly ready: Promise<Session>;
  readonly queue: Following<T>;
  readonly #source: SubscriptionSource<T>;
  readonly #ready = new Deferred<Session>();
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
    this.queue = new Following<T>(source.backlog, () => this.close());
    this.queue.holds((reason) => {
      // Nobody who waits for the same end is thrown the same error.
      const own = reason === undefined ? new HandleClosedError(...source.name) : copyError(reason);
      this.#ready.reject(own);
      this.#closing = this.#stop();
    });
    this.ready = ignoreRejection(this.#ready.promise);
    this.queue.stopOn(signal);
    if (!signal?.aborted) void this.#open(getSession);
  }

  /** The connection, while it can be talked about. @throws HandleClosedError after the end. */
  async session(): Promise<Session> {
    const session = await this.ready;
    if (this.#connection?.aborted) throw copyError(this.#connection.reason);
    if (this.queue.isOver) throw new HandleClosedError(...this.#source.name);
    return session;
  }

  /** Stops it, and waits until the server has done so. Never rejects; calling it again is harmless. */
  close(): Promise<void> {
    this.queue.end();
    return this.#closing ?? Promise.resolve();
  }

  async #open(getSession: GetSession): Promise<void> {
    try {
      const session = await getSession();
      if (this.queue.isOver) return;
      throwIfAborted(session.connectionSignal);
      this.queue.countIn(session.backlogs);
      this.#connection = session.connectionSignal;
      // Before it is asked, so that nothing it says is missed.
      this.queue.endWith(this.#connection);
      this.queue.holds(
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
      this.queue.lost(error);
    }
  }

  async #stop(): Promise<void> {
    // What is still being begun cannot be stopped yet.
    const session = await this.#opened;
    if (!session || this.#connection?.aborted) return;
    await settleWithin(this.#source.close(session), stopGraceMs);
  }
}
