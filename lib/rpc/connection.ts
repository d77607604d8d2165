import {
  createMessageConnection,
  ParameterStructures,
  type Message,
  type MessageConnection,
} from "vscode-jsonrpc/node";
import { onAbort } from "../async/abort.js";
import { Deferred } from "../async/deferred.js";
import { Fifo } from "../async/fifo.js";
import type { Logger } from "../async/logger.js";
import { maxTimerMs, settleWithin } from "../async/timers.js";
import {
  RequestTimeoutError,
  TransportClosedError,
  type CloseReason,
} from "../errors/connection-errors.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { toRpcError } from "../errors/to-rpc-error.js";
import type { Transport } from "../transport/transport.js";
import { Admission } from "./admission.js";
import { encodeParams, type EncodedParams } from "./encoded-params.js";
import { InFlightLimit } from "./in-flight.js";
import { ErrorAnswer, type NotificationMessage, type RequestMessage } from "./message.js";
import { LineMessageReader } from "./reader.js";
import { LineMessageWriter } from "./writer.js";

export interface ConnectionOptions {
  readonly maxInFlight: number;
  readonly maxMessageBytes: number;
  readonly requestTimeoutMs: number;
  readonly logger: Required<Logger>;
  /** Gets every notification in wire order. */
  onNotification(message: NotificationMessage): void;
  /** Answers a server request, or not; it is called in wire order and may take its time. */
  onRequest(message: RequestMessage): Promise<Answer | undefined>;
}

/** What goes back to the server for one of its requests. */
export type Answer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: number; readonly message: string } };

export interface RequestOptions {
  /** Stops waiting; the call rejects with `signal.reason`. The server may still carry it out. */
  signal?: AbortSignal | undefined;
  /** How long to wait for the answer, queueing included (ms). `Infinity` waits for ever. */
  timeoutMs?: number | undefined;
  /**
   * For a method that is answered only when its work is done, such as `command/exec`: no deadline
   * unless `timeoutMs` sets one, and the request counts towards `maxInFlight` only until the server
   * has taken it up (default false).
   */
  longRunning?: boolean | undefined;
}

type Outcome =
  | { readonly kind: "answered"; readonly result: unknown }
  | { readonly kind: "refused"; readonly error: unknown }
  | { readonly kind: "aborted"; readonly reason: unknown }
  | { readonly kind: "timeout" | "closed" };

const maxAbandoned = 1_024;

/**
 * One JSON-RPC connection: vscode-jsonrpc correlates requests and answers; this class adds the
 * in-flight limit, deadlines, abort signals, one kind of error, and an end that nobody misses.
 */
export class Connection {
  /** Resolves with the reason when the connection is over; never rejects. */
  readonly closed: Promise<CloseReason>;
  readonly #closed = new Deferred<CloseReason>();
  readonly #transport: Transport;
  readonly #options: ConnectionOptions;
  readonly #reader: LineMessageReader;
  readonly #writer: LineMessageWriter;
  readonly #rpc: MessageConnection;
  readonly #limit: InFlightLimit;
  readonly #admission = new Admission(() => this.#askAnything());
  readonly #pending = new Set<(outcome: Outcome) => void>();
  readonly #abandoned = new Fifo<number>();
  #reason: CloseReason | undefined;
  #failure: Error | undefined;
  #closing = false;
  #broken = false;

  constructor(transport: Transport, options: ConnectionOptions) {
    this.closed = this.#closed.promise;
    this.#transport = transport;
    this.#options = options;
    this.#limit = new InFlightLimit(options.maxInFlight);
    this.#writer = new LineMessageWriter(transport.output, (error) => {
      void this.#writeFailed(error);
    });
    this.#reader = new LineMessageReader(transport.input, options.maxMessageBytes, {
      onNotification: (message) => {
        options.onNotification(message);
      },
      onSkipped: (problem) => {
        options.logger.warn(`A line from the server was skipped: it ${problem}.`);
      },
      onEnd: (error) => {
        void this.#finish(error);
      },
    });
    this.#rpc = createMessageConnection(this.#reader, this.#writer, silent, {
      messageStrategy: {
        handleMessage: (message, next) => {
          try {
            // vscode-jsonrpc would tell no handler the request's id, and answer every one of them.
            return isRequest(message) ? void this.#answer(message) : next(message);
          } finally {
            this.#reader.dispatched();
          }
        },
      },
    });
    this.#rpc.listen();
  }

  /**
   * Sends a request and resolves with its result.
   *
   * @throws a subclass of JsonRpcError, RequestTimeoutError, TransportClosedError,
   * InvalidArgumentError, MessageTooLargeError, or `signal.reason`.
   */
  async request(method: string, params: unknown, options: RequestOptions = {}): Promise<unknown> {
    options.signal?.throwIfAborted();
    if (this.#isOver()) throw await this.#closedError(method);
    const encoded = encodeParams(method, params, this.#options.maxMessageBytes);
    const { signal, longRunning = false } = options;
    const timeoutMs =
      options.timeoutMs ?? (longRunning ? Infinity : this.#options.requestTimeoutMs);
    if (!(timeoutMs > 0)) {
      throw new InvalidArgumentError("timeoutMs", "must be a positive number of milliseconds");
    }
    const outcome = await this.#exchange(method, encoded, { signal, timeoutMs, longRunning });
    // The errors are made here, after the await, so that their stacks name the callers.
    switch (outcome.kind) {
      case "answered":
        return outcome.result;
      case "aborted":
        throw outcome.reason;
      case "timeout":
        throw new RequestTimeoutError(method, timeoutMs);
      case "closed":
        await this.closed;
        throw await this.#closedError(method);
      case "refused":
        throw toRpcError(method, outcome.error);
    }
  }

  /** Sends a notification; resolves when it is written. */
  async notify(method: string, params?: unknown): Promise<void> {
    if (this.#isOver()) throw await this.#closedError(method);
    const encoded =
      params === undefined ? [] : [encodeParams(method, params, this.#options.maxMessageBytes)];
    try {
      await this.#rpc.sendNotification(method, ParameterStructures.byName, ...encoded);
    } catch {
      // It could not be written: the connection is over, or about to be.
      throw await this.#closedError(method);
    }
  }

  /** Ends the connection and the process behind it. Resolves when both are gone; never rejects. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#transport.close();
    await this.closed;
  }

  async #exchange(
    method: string,
    params: EncodedParams,
    { signal, timeoutMs, longRunning }: Required<RequestOptions> & { timeoutMs: number },
  ): Promise<Outcome> {
    const { promise, resolve: settle } = new Deferred<Outcome>();
    this.#pending.add(settle);
    const unlink = onAbort(signal, (reason) => {
      settle({ kind: "aborted", reason });
    });
    const timer =
      timeoutMs > maxTimerMs ? undefined : setTimeout(settle, timeoutMs, { kind: "timeout" });
    let id: number | undefined;
    const ticket = this.#limit.enter(() => {
      id = this.#send(method, params, settle);
      if (longRunning === true && id !== undefined) {
        this.#admission.sent(id, () => {
          ticket.leave();
        });
      }
    });
    try {
      const outcome = await promise;
      if (outcome.kind === "timeout" || outcome.kind === "aborted") this.#abandon(id);
      return outcome;
    } finally {
      ticket.leave();
      if (id !== undefined) this.#admission.gone(id);
      clearTimeout(timer);
      unlink();
      this.#pending.delete(settle);
    }
  }

  #send(
    method: string,
    params: EncodedParams,
    settle: (outcome: Outcome) => void,
  ): number | undefined {
    if (this.#isOver()) {
      settle({ kind: "closed" });
      return undefined;
    }
    this.#rpc.sendRequest(method, ParameterStructures.byName, params).then(
      (result) => {
        if (id !== undefined) {
          if (isRefusalForLackOfRoom(result)) this.#admission.gone(id);
          else this.#admission.answered(id);
        }
        if (result instanceof ErrorAnswer) settle({ kind: "refused", error: result.error });
        else settle({ kind: "answered", result });
      },
      // Error answers do not come this way: it could not be written, or the connection is over.
      () => {
        settle({ kind: "closed" });
      },
    );
    const id = this.#writer.lastRequestId;
    return id;
  }

  /** To end a watch that does not exist does nothing, and is answered at once. */
  #askAnything(): number | undefined {
    const params = { watchId: "codex-app-server-sdk" };
    const encoded = encodeParams("fs/unwatch", params, this.#options.maxMessageBytes);
    return this.#send("fs/unwatch", encoded, () => undefined);
  }

  /**
   * Nobody waits for this answer any more, but vscode-jsonrpc keeps a place for it until it comes.
   * Should it never come, the oldest places are cleared with an answer of our own.
   */
  #abandon(id: number | undefined): void {
    if (id === undefined) return;
    this.#abandoned.push(id);
    if (this.#abandoned.size <= maxAbandoned) return;
    const oldest = this.#abandoned.shift() as number;
    this.#reader.inject({ id: oldest, result: null });
  }

  async #answer(request: RequestMessage): Promise<void> {
    try {
      const answer = await this.#options.onRequest(request);
      if (answer) await this.#reply(request, answer);
    } catch {
      this.#options.logger.error(`The handler of ${request.method} failed.`);
      const message = "the client failed to handle the request";
      await this.#reply(request, { error: { code: internalError, message } }).catch(
        () => undefined,
      );
    }
  }

  /** Rejects when the answer cannot be written as JSON, or not at all. */
  async #reply({ id }: RequestMessage, answer: Answer): Promise<void> {
    if (this.#reason === undefined) await this.#writer.write({ jsonrpc: "2.0", id, ...answer });
  }

  #isOver(): boolean {
    return (
      this.#closing || this.#broken || this.#reason !== undefined || this.#failure !== undefined
    );
  }

  async #closedError(method: string): Promise<TransportClosedError> {
    // Who has called close() need not wait to learn why; everybody else is told how it ended.
    const reason = this.#closing && !this.#reason ? this.#reasonNow() : await this.closed;
    return new TransportClosedError(reason, method);
  }

  /** Most often the process has just ended, and the reader is about to tell how. */
  async #writeFailed(error: Error): Promise<void> {
    if (this.#isOver()) return;
    this.#broken = true;
    if ((await settleWithin(this.closed, lastWordsMs)) !== "timeout") return;
    // It lives on, but nothing reaches it any more.
    this.#failure ??= error;
    void this.#transport.close();
  }

  async #finish(error: Error | undefined): Promise<void> {
    if (error) {
      this.#failure ??= error;
      void this.#transport.close();
    }
    let end = await settleWithin(this.#transport.ended, lastWordsMs);
    if (end === "timeout") {
      // The output is closed but the process goes on: it is of no use any more.
      this.#failure ??= new Error("the server closed its output");
      await this.#transport.close();
      end = await settleWithin(this.#transport.ended, lastWordsMs);
    }
    this.#reason = { ...this.#reasonNow(), ...(end === "timeout" ? {} : end) };
    this.#rpc.dispose();
    for (const settle of this.#pending) settle({ kind: "closed" });
    this.#closed.resolve(this.#reason);
  }

  #reasonNow(): CloseReason {
    const kind = this.#closing ? "closed" : this.#failure ? "failed" : "exited";
    return {
      kind,
      exitCode: null,
      signal: null,
      stderrTail: this.#transport.stderrTail(),
      ...(this.#failure ? { error: this.#failure } : {}),
    };
  }
}

function isRefusalForLackOfRoom(result: unknown): boolean {
  if (!(result instanceof ErrorAnswer)) return false;
  const { error } = result;
  return typeof error === "object" && error !== null && "code" in error && error.code === -32_001;
}

/** How long one half of a connection may outlive the other before it is ended (ms). */
const lastWordsMs = 1_000;

const internalError = -32_603;

function isRequest(message: Message): message is Message & RequestMessage {
  return "method" in message && "id" in message;
}

/** vscode-jsonrpc's own log lines hold message contents; what matters is reported by us. */
const silent = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  log: () => undefined,
};
