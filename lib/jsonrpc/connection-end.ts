import { Deferred } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { TransportClosedError, type CloseReason } from "../errors/connection-errors.js";
import type { Transport, TransportEnd } from "../transport/transport.js";

/**
 * How a connection ends, whatever ends it: its own `close()`, the end of what is read, a write that
 * fails, the process behind it. It is over at once, and closed when everything has been read.
 */
export class ConnectionEnd {
  /** Resolves with the reason when the connection is over; never rejects. */
  readonly closed: Promise<CloseReason>;
  readonly #closed = new Deferred<CloseReason>();
  readonly #transport: Transport;
  readonly #onClosed: () => void;
  #reason: CloseReason | undefined;
  #failure: Error | undefined;
  #closing = false;
  #broken = false;

  /** `onClosed` is called just before `closed` resolves. */
  constructor(transport: Transport, onClosed: () => void) {
    this.closed = this.#closed.promise;
    this.#transport = transport;
    this.#onClosed = onClosed;
  }

  /** Nothing more is to be sent. What is still being read counts all the same. */
  get isOver(): boolean {
    return (
      this.#closing || this.#broken || this.#reason !== undefined || this.#failure !== undefined
    );
  }

  get isClosed(): boolean {
    return this.#reason !== undefined;
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#transport.close();
    await this.closed;
  }

  /** The error for a call whose message was, or was not, sent before the end. */
  error(method: string, sent: boolean): TransportClosedError {
    return new TransportClosedError(this.#reason ?? this.#reasonNow(), method, sent);
  }

  /**
   * Throws when it is known how the connection ended, or who ends it. In between, when it is over by
   * itself, whoever waits for a moment is told more.
   */
  throwIfKnown(method: string): void {
    if (this.#closing || this.#reason) throw this.error(method, false);
  }

  /**
   * Most often the process has just ended, and the reader is about to tell how: when it comes to the
   * end of what was read, which may take longer than the process had to end.
   */
  async writeFailed(error: Error): Promise<void> {
    if (this.isOver) return;
    this.#broken = true;
    if ((await this.#endWithin(lastWordsMs)) !== "timeout") return;
    // It lives on, but nothing reaches it any more.
    this.#failure ??= error;
    void this.#transport.close();
  }

  /** Everything that came has been delivered, up to the end or up to what could not be read. */
  async readerEnded(error: Error | undefined): Promise<void> {
    if (error) {
      this.#failure ??= error;
      void this.#transport.close();
    }
    let end = await this.#endWithin(lastWordsMs);
    if (end === "timeout") {
      // The output is closed but the process goes on: it is of no use any more.
      this.#failure ??= new Error("the server closed its output");
      await this.#transport.close();
      end = await this.#endWithin(lastWordsMs);
    }
    if (end === "timeout") {
      this.#reason = this.#reasonNow();
    } else {
      this.#failure ??= end.error;
      this.#reason = { ...this.#reasonNow(), exitCode: end.exitCode, signal: end.signal };
    }
    this.#onClosed();
    this.#closed.resolve(this.#reason);
  }

  async #endWithin(ms: number): Promise<TransportEnd | "timeout"> {
    const end = await settleWithin(this.#transport.ended, ms);
    // The transport may only just have learnt of the end, and be at what is left to be read.
    return end === "timeout" ? settleWithin(this.#transport.ended, endGraceMs) : end;
  }

  #reasonNow(): CloseReason {
    const kind = this.#closing ? "closed" : this.#failure ? "failed" : "exited";
    return {
      kind,
      exitCode: null,
      signal: null,
      stderrTail: this.#transport.stderrTail?.() ?? "",
      ...(this.#failure ? { error: this.#failure } : {}),
    };
  }
}

/** How long one half of a connection may outlive the other before it is ended (ms). */
const lastWordsMs = 1_000;

/** How long the transport may need, once the process has ended, to read what is left of it (ms). */
const endGraceMs = 500;
