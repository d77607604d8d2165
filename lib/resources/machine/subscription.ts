import { throwIfAborted } from "../../async/abort.js";
import type { AsyncIteration } from "../../async/async-iteration.js";
import type { BacklogRules } from "../../async/backlog.js";
import { Deferred, ignoreRejection } from "../../async/deferred.js";
import { settleWithin } from "../../async/timers.js";
import { checkSignal } from "../../errors/check-values.js";
import { copyError } from "../../errors/connection-errors.js";
import { HandleClosedError } from "../../errors/machine-errors.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";
import { Following } from "../../jsonrpc/following.js";
import { undoneWhenLate } from "../../session/confirm-end.js";
import type { GetSession, Session } from "../../session/session.js";

interface SubscriptionOptions<T> {
  /** The rules for events that wait to be read. Beyond their limit the subscription ends. */
  readonly backlog: BacklogRules<T>;
  /** The name for messages, and the call that starts another. */
  readonly name: readonly [what: string, call: string];
  readonly signal: AbortSignal | undefined;
}

/** How long `close()` waits for the server to stop (ms); the client goes on asking. */
const stopGraceMs = 10_000;

/**
 * Something that the server reports from time to time until it is told to stop: asked for at once, read by
 * one consumer, and stopped once, whatever ends it.
 */
export abstract class Subscription<T> implements AsyncIteration<T>, AsyncDisposable {
  /**
   * Resolves when the server has begun: from then on it reports everything. Rejects, as iterating does,
   * when it never will. Not awaiting it is fine.
   */
  readonly ready: Promise<void>;
  readonly #queue: Following<T>;
  readonly #name: SubscriptionOptions<T>["name"];
  readonly #began = new Deferred<Session>();
  #opened: Promise<Session | undefined> | undefined;
  /** Aborts when the connection is gone on which the server reports; what it does ends with it. */
  #connection: AbortSignal | undefined;
  #closing: Promise<void> | undefined;

  /** @internal @throws InvalidArgumentError for what is not a signal. */
  constructor(getSession: GetSession, { backlog, name, signal }: SubscriptionOptions<T>) {
    checkSignal(signal);
    this.#name = name;
    this.#queue = new Following<T>(backlog, () => this.close());
    this.#queue.holds((reason) => {
      // Nobody who waits for the same end is thrown the same error.
      this.#began.reject(reason === undefined ? new HandleClosedError(...name) : copyError(reason));
      this.#closing = this.#stop();
    });
    this.ready = ignoreRejection(this.#began.promise.then(() => undefined));
    this.#queue.stopOn(signal);
    if (!signal?.aborted) void this.#open(getSession);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#queue.next();
  }

  /** Ends it, as leaving a loop does. */
  return(): Promise<IteratorResult<T, undefined>> {
    return this.#queue.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends it. Resolves when the server will report nothing more; never rejects. */
  close(): Promise<void> {
    this.#queue.end();
    return this.#closing ?? Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Takes in notifications, until the functions that it returns are called. @internal */
  protected abstract listen(session: Session): readonly (() => void)[];

  /** Asks the server to begin. @internal */
  protected abstract begin(session: Session, options: RequestOptions): Promise<unknown>;

  /** Asks the server to stop, until it has. Never rejects. @internal */
  protected abstract end(session: Session): Promise<unknown>;

  /** @internal */
  protected push(event: T): void {
    this.#queue.push(event);
  }

  /**
   * The connection, while it can be talked about.
   *
   * @internal
   * @throws HandleClosedError after the end.
   */
  protected async session(): Promise<Session> {
    const session = await this.#began.promise;
    if (this.#connection?.aborted) throw copyError(this.#connection.reason);
    if (this.#queue.isOver) throw new HandleClosedError(...this.#name);
    return session;
  }

  async #open(getSession: GetSession): Promise<void> {
    try {
      const session = await getSession();
      if (this.#queue.isOver) return;
      throwIfAborted(session.connectionSignal);
      this.#queue.countIn(session.backlogs);
      this.#connection = session.connectionSignal;
      // Before it is asked, so that nothing it says is missed.
      this.#queue.endWith(this.#connection);
      this.#queue.holds(...this.listen(session));
      const late = undoneWhenLate("If it does, this client ends it.", () => void this.end(session));
      const opening = this.begin(session, late);
      this.#opened = opening.then(
        () => session,
        () => undefined,
      );
      await opening;
      this.#began.resolve(session);
    } catch (error) {
      this.#queue.lost(error);
    }
  }

  async #stop(): Promise<void> {
    // What is still being begun cannot be stopped yet.
    const session = await this.#opened;
    if (!session || this.#connection?.aborted) return;
    await settleWithin(this.end(session), stopGraceMs);
  }
}
