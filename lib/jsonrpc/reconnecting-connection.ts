import { throwIfAborted } from "../async/abort.js";
import { Deferred } from "../async/deferred.js";
import { pause } from "../async/timers.js";
import {
  RequestTimeoutError,
  TransportClosedError,
  type CloseReason,
} from "../errors/connection-errors.js";
import type { Transport } from "../transport/transport.js";
import {
  Connection,
  type ConnectionOptions,
  type NotifyOptions,
  type RequestOptions,
} from "./connection.js";
import type { ConnectionStatus } from "./connection-status.js";
import { mayReconnect, toError, type ReconnectSchedule } from "./reconnect.js";
import { withinDeadline } from "./within-deadline.js";

/** Sends a request over one connection, and over no other. */
export type Send = (method: string, params: unknown, options?: RequestOptions) => Promise<unknown>;

/** How to make another connection when one was dropped. */
export interface Reopening {
  open(signal: AbortSignal): Promise<Transport>;
  readonly schedule: ReconnectSchedule;
}

export interface ReconnectingOptions extends ConnectionOptions {
  /** Undefined when the first connection is the only one. */
  readonly reopening: Reopening | undefined;
  /** Introduces the client on a new connection. */
  shakeHands(connection: Connection, transport: Transport): Promise<void>;
  /** The connection was dropped and will be replaced; nobody whose request was pending knows yet. */
  onDropped(reason: CloseReason): void;
  /** A connection that was to take its place was dropped, too, before `restore` had ended. */
  onDroppedAgain(reason: CloseReason): void;
  /** Restores the state of the old connection over a new one; other requests wait meanwhile. */
  restore(send: Send): Promise<void>;
  /** `restore` has ended; the requests that wait go next. */
  onRestored(): void;
  /** The connection is over for good. */
  onEnd(reason: CloseReason): void;
  onStatus(status: ConnectionStatus): void;
}

/**
 * The connection of a client, which may be replaced when it drops. What was under way then rejects,
 * since nobody knows whether it was carried out; what is asked meanwhile waits.
 */
export class ReconnectingConnection {
  /** Resolves, never rejects, when it is over for good. */
  readonly closed: Promise<CloseReason>;
  readonly #closed = new Deferred<CloseReason>();
  readonly #options: ReconnectingOptions;
  readonly #stop = new AbortController();
  /** Why each of the connections that were replaced ended. */
  readonly #dropped = new WeakMap<Connection, CloseReason>();
  #connection: Connection;
  #status: ConnectionStatus = { state: "ready" };
  #started = false;
  /** Set while the connection is being restored. */
  #restored: Deferred<void> | undefined;

  constructor(transport: Transport, options: ReconnectingOptions) {
    this.closed = this.#closed.promise;
    this.#options = options;
    this.#connection = new Connection(transport, options);
    this.#watch(this.#connection);
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  get isDown(): boolean {
    return this.#restored !== undefined;
  }

  /** Performs the first handshake. Only from then on a dropped connection is replaced. */
  async start(transport: Transport): Promise<void> {
    await this.#options.shakeHands(this.#connection, transport);
    this.#started = true;
  }

  /** Resolves when the connection works; rejects with a TransportClosedError when it is over. */
  async available(method?: string): Promise<void> {
    await this.#restored?.promise;
    this.#throwIfClosed(method);
  }

  /** While the connection is being restored, it waits for that, within the deadline. */
  request(method: string, params: unknown, options?: RequestOptions): Promise<unknown> {
    if (this.isDown) return this.#requestWhenUp(method, params, options);
    return this.#send(this.#connection, method, params, options);
  }

  async notify(method: string, params?: unknown, options: NotifyOptions = {}): Promise<void> {
    const left = this.isDown ? await this.untilUp(method, options) : options;
    if (this.#options.reopening) this.#throwIfClosed(method);
    const connection = this.#connection;
    try {
      await connection.notify(method, params, left);
    } catch (error) {
      throw this.#explained(connection, method, error);
    }
  }

  /** Waits as a request does. Resolves with its options, less the time that has passed. */
  async untilUp(method: string, options: RequestOptions = {}): Promise<RequestOptions> {
    const { signal, longRunning = false } = options;
    const limitMs = longRunning ? Infinity : this.#options.requestTimeoutMs;
    const { timeoutMs = limitMs } = options;
    const leftMs = await withinDeadline(this.available(method), timeoutMs, signal);
    if (leftMs > 0) return { ...options, timeoutMs: leftMs };
    throw new RequestTimeoutError(method, timeoutMs, { since: "the connection was away" });
  }

  /** Ends the connection, or the attempts to restore it. Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    if (this.isDown) this.#end({ ...unknownEnd, kind: "closed" });
    await this.#connection.close();
    await this.closed;
  }

  #watch(connection: Connection): void {
    void connection.closed.then((reason) => {
      const { reopening } = this.#options;
      if (!reopening || !this.#started || this.#stop.signal.aborted) this.#end(reason);
      else void this.#replace(connection, reason, reopening);
    });
  }

  async #replace(connection: Connection, end: CloseReason, reopening: Reopening): Promise<void> {
    const { schedule } = reopening;
    const reason: CloseReason = { ...end, kind: "dropped" };
    this.#dropped.set(connection, reason);
    this.#restored = new Deferred();
    // Everybody is told before the first request rejects, and before anything else is asked.
    this.#options.onDropped(reason);
    // A listener may close it.
    if (this.#isOver()) return;
    schedule.down();
    let error: unknown;
    for (;;) {
      const delayMs = schedule.next();
      if (delayMs === undefined) break;
      this.#setStatus({ state: "reconnecting", attempt: schedule.attempts, reason, error });
      await pause(delayMs, this.#stop.signal).catch(() => undefined);
      if (this.#isOver()) return;
      try {
        await this.#attempt(reopening);
        return;
      } catch (problem) {
        if (this.#isOver()) return;
        error = problem;
        if (!mayReconnect(problem)) break;
      }
    }
    this.#end({ ...unknownEnd, kind: "failed", error: toError(error ?? end.error) });
  }

  /** Makes a new connection and brings it to where the old one was. */
  async #attempt(reopening: Reopening): Promise<void> {
    const transport = await reopening.open(this.#stop.signal);
    if (this.#isOver()) {
      await transport.close();
      return;
    }
    // One that was given up may still have something to say.
    this.#connection.mute();
    const connection = new Connection(transport, this.#options);
    this.#connection = connection;
    try {
      await this.#options.shakeHands(connection, transport);
      await this.#options.restore((method, params, options) =>
        this.#send(connection, method, params, options),
      );
    } catch (error) {
      await connection.close();
      const reason = await connection.closed;
      if (!this.#isOver()) this.#options.onDroppedAgain({ ...reason, kind: "dropped" });
      throw error;
    }
    if (this.#isOver()) return;
    const restored = this.#restored;
    this.#restored = undefined;
    reopening.schedule.up();
    this.#options.onRestored();
    restored?.resolve();
    this.#setStatus({ state: "ready" });
    this.#watch(connection);
  }

  async #requestWhenUp(
    method: string,
    params: unknown,
    options: RequestOptions | undefined,
  ): Promise<unknown> {
    throwIfAborted(options?.signal);
    const left = await this.untilUp(method, options);
    return await this.#send(this.#connection, method, params, left);
  }

  async #send(
    connection: Connection,
    method: string,
    params: unknown,
    options: RequestOptions | undefined,
  ): Promise<unknown> {
    throwIfAborted(options?.signal);
    if (this.#options.reopening) this.#throwIfClosed(method);
    try {
      return await connection.request(method, params, options);
    } catch (error) {
      throw this.#explained(connection, method, error);
    }
  }

  /** A connection that ended does not know that it was replaced: its errors say so from here on. */
  #explained(connection: Connection, method: string, error: unknown): unknown {
    const dropped = this.#dropped.get(connection);
    if (!dropped || !(error instanceof TransportClosedError)) return error;
    return new TransportClosedError(dropped, method, error.sent);
  }

  #throwIfClosed(method: string | undefined): void {
    if (this.#status.state !== "closed") return;
    throw new TransportClosedError(this.#status.reason, method, false);
  }

  #end(reason: CloseReason): void {
    if (this.#isOver()) return;
    this.#status = { state: "closed", reason };
    this.#connection.mute();
    this.#stop.abort();
    this.#options.onEnd(reason);
    this.#restored?.resolve();
    this.#restored = undefined;
    this.#closed.resolve(reason);
    this.#options.onStatus(this.#status);
  }

  #isOver(): boolean {
    return this.#status.state === "closed";
  }

  #setStatus(status: ConnectionStatus): void {
    this.#status = status;
    this.#options.onStatus(status);
  }
}

/** Nothing else is known of a lost connection. */
const unknownEnd = { exitCode: null, signal: null, stderrTail: "" } as const;
