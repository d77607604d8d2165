import { createConnection, ParameterStructures, type MessageConnection } from "./json-rpc.js";
import { throwIfAborted } from "../async/abort.js";
import { requestTracing } from "../diagnostics/channels.js";
import { noIds, TracedRequest, type NamedIds } from "../diagnostics/request-operation.js";
import { encodeTrace, type Traced, type TraceContext } from "../diagnostics/trace-context.js";
import { checkTimeout } from "../errors/check-values.js";
import type { KeysOf } from "../errors/check-options.js";
import { RequestTimeoutError, type CloseReason } from "../errors/connection-errors.js";
import { toRpcError } from "../errors/to-rpc-error.js";
import type { ConnectionRecorder } from "../recording/recorder.js";
import type { Transport } from "../transport/transport.js";
import { answerRequest } from "./answer-request.js";
import { ConnectionEnd } from "./connection-end.js";
import { encodeParams, type EncodedJson, type ParamsRules } from "./encoded.js";
import type { FrequentLines, NotificationMessage, RequestReceiver } from "./message.js";
import { LineMessageReader } from "./reader.js";
import type { IsContent } from "./readable-json.js";
import { Requests } from "./requests.js";
import { withinDeadline } from "./within-deadline.js";
import { LineMessageWriter } from "./writer.js";

export type { Answer } from "./message.js";

export interface ConnectionOptions extends RequestReceiver {
  readonly maxInFlight: number;
  readonly maxMessageBytes: number;
  readonly requestTimeoutMs: number;
  /** Gets every notification in wire order. */
  readonly onNotification: (message: NotificationMessage) => void;
  /** Which text of a message may be repaired (default: none). */
  readonly isContent?: IsContent | undefined;
  /** Gives the trace of a request whose caller names none. It must not throw. */
  readonly traceContext?: ((method: string) => TraceContext | undefined) | undefined;
  /** Gets what is wrong with a trace that no caller has named; the request goes without it. */
  readonly onTraceRefused?: ((error: unknown, method: string) => void) | undefined;
  /** The ids that params, or a result, name (default: none). */
  readonly idsOf?: ((value: unknown) => NamedIds) | undefined;
  /** Makes what learns of all that goes over a connection (default: nobody does). */
  readonly record?: (() => ConnectionRecorder | undefined) | undefined;
  /** Makes what reads the lines that come most often (default: `JSON.parse` reads all of them). */
  readonly frequentLines?: (() => FrequentLines) | undefined;
}

export interface RequestOptions extends Traced {
  /** Stops waiting; the call rejects with `signal.reason`. The server may still carry it out. */
  signal?: AbortSignal | undefined;
  /**
   * How long to wait for the answer, queueing included (ms; default: `requestTimeoutMs` of the client).
   * `Infinity` waits for ever. An answer that has arrived by then is read before the time counts as up.
   */
  timeoutMs?: number | undefined;
  /**
   * For a method that is answered only when its work is done, such as `command/exec`: no deadline
   * unless `timeoutMs` sets one, and the request counts towards `maxInFlight` only until the server
   * has taken it up (default false).
   */
  longRunning?: boolean | undefined;
  /**
   * What to do when the server carries out a request that was given up.
   *
   * @internal
   */
  late?: LateAnswer | undefined;
  /**
   * Called with the id of the request when it is written, before anything can come of it; again, with
   * another id, when it is repeated. It must not throw.
   *
   * @internal
   */
  onSent?: ((id: number) => void) | undefined;
}

/** Options that callers may give with a request. */
export const requestKeys: KeysOf<Omit<RequestOptions, "late" | "onSent">> = {
  signal: true,
  timeoutMs: true,
  longRunning: true,
  trace: true,
};

/** How long a notification may take to be written, when the server does not read. */
export type NotifyOptions = Pick<RequestOptions, "signal" | "timeoutMs">;

/** The way to undo a request that was given up, and was carried out all the same. */
export interface LateAnswer {
  /** A sentence for the error that tells of the deadline. */
  readonly consequence: string;
  /** Called with the answer; it must not throw. What it gets need not be an answer to the request. */
  answered(result: unknown): void;
}

/**
 * One JSON-RPC connection: vscode-jsonrpc correlates requests and answers; this class adds the
 * in-flight limit, deadlines, abort signals, one kind of error, and an end that nobody misses.
 */
export class Connection {
  /** Resolves with the reason when the connection is over; never rejects. */
  readonly closed: Promise<CloseReason>;
  readonly #end: ConnectionEnd;
  readonly #rpc: MessageConnection;
  readonly #reader: LineMessageReader;
  readonly #requests: Requests;
  readonly #requestTimeoutMs: number;
  readonly #params: ParamsRules;
  readonly #options: Pick<ConnectionOptions, "traceContext" | "onTraceRefused" | "idsOf">;

  constructor(transport: Transport, options: ConnectionOptions) {
    const { maxInFlight, maxMessageBytes, logger } = options;
    const maxBytes = Math.min(maxMessageBytes, transport.maxOutgoingBytes ?? Infinity);
    this.#requestTimeoutMs = options.requestTimeoutMs;
    this.#options = options;
    this.#params = { maxBytes, isContent: options.isContent ?? (() => false) };
    const end = new ConnectionEnd(transport, () => {
      // It rejects the requests that nobody has answered.
      this.#rpc.dispose();
    });
    this.#end = end;
    this.closed = end.closed;
    const recorder = options.record?.();
    const writer = new LineMessageWriter(
      transport.output,
      (error) => {
        void end.writeFailed(error);
      },
      recorder?.sent,
    );
    const reader = new LineMessageReader(
      transport.input,
      maxMessageBytes,
      {
        onLines: recorder?.received,
        onNotification: options.onNotification,
        onUnhandled: () => {
          logger.error("A notification from the server was skipped: it could not be handled.");
        },
        // vscode-jsonrpc would tell no handler the request's id, and answer every one of them.
        onRequest: (message) => {
          void answerRequest(message, options, { writer, end, maxBytes });
        },
        onSkipped: (problem) => {
          logger.warn(`A line from the server was skipped: it ${problem}.`);
        },
        onEnd: (error) => {
          void end.readerEnded(error);
        },
      },
      options.frequentLines?.(),
    );
    this.#reader = reader;
    this.#rpc = createConnection(reader, writer);
    this.#requests = new Requests({ rpc: this.#rpc, reader, writer, end }, maxInFlight);
    this.#rpc.listen();
    if (!recorder) return;
    void end.closed.then(({ kind, exitCode, signal }) => {
      recorder.ended(kind === "closed" ? undefined : { exitCode, signal });
    });
  }

  /**
   * Sends a request and resolves with its result.
   *
   * @throws a subclass of JsonRpcError, RequestTimeoutError, TransportClosedError,
   * InvalidArgumentError, MessageTooLargeError, or `signal.reason`.
   */
  request(method: string, params: unknown, options: RequestOptions = {}): Promise<unknown> {
    const trace = options.trace === undefined ? this.#options.traceContext?.(method) : undefined;
    return requestTracing.isOn
      ? this.#requestTraced(method, params, options, trace)
      : this.#request(method, params, options, trace);
  }

  #requestTraced(
    method: string,
    params: unknown,
    options: RequestOptions,
    trace: TraceContext | undefined,
  ): Promise<unknown> {
    const { idsOf = noIds } = this.#options;
    const operation = new TracedRequest(method, params, idsOf(params), options.trace ?? trace);
    const onSent = (id: number): void => {
      operation.requestId = id;
      options.onSent?.(id);
    };
    return requestTracing.during(
      operation,
      // A subscriber may have set the trace.
      () => this.#request(method, params, { ...options, onSent }, operation.trace),
      (result) => {
        operation.answered(result, idsOf(result));
      },
    );
  }

  /** `trace`: of a request whose options name none. */
  async #request(
    method: string,
    params: unknown,
    options: RequestOptions,
    trace: TraceContext | undefined,
  ): Promise<unknown> {
    throwIfAborted(options.signal);
    this.#end.throwIfKnown(method);
    const { signal, longRunning = false, late } = options;
    const encodedTrace =
      options.trace === undefined ? this.#tryTrace(method, trace) : encodeTrace(options.trace);
    const encoded = encodeParams(method, params, this.#params, encodedTrace);
    const timeoutMs = options.timeoutMs ?? (longRunning ? Infinity : this.#requestTimeoutMs);
    checkTimeout(timeoutMs);
    const wait = { signal, timeoutMs, longRunning, onSent: options.onSent, late };
    const outcome = await this.#requests.exchange(method, encoded, wait);
    // The errors are made here, after the await, so that their stacks name the callers.
    switch (outcome.kind) {
      case "answered":
        return outcome.result;
      case "aborted":
        throw outcome.reason;
      case "timeout":
        throw outcome.sent
          ? new RequestTimeoutError(method, timeoutMs, { consequence: late?.consequence })
          : this.#unsent(method, timeoutMs);
      case "closed":
        throw this.#end.error(method, outcome.sent);
      case "refused":
        throw toRpcError(method, outcome.error);
    }
  }

  /**
   * Sends a notification; resolves when it is written.
   *
   * @throws TransportClosedError, RequestTimeoutError, InvalidArgumentError, MessageTooLargeError, or
   * `signal.reason`.
   */
  async notify(method: string, params?: unknown, options: NotifyOptions = {}): Promise<void> {
    const { signal, timeoutMs = this.#requestTimeoutMs } = options;
    throwIfAborted(signal);
    this.#end.throwIfKnown(method);
    const encoded = params === undefined ? [] : [encodeParams(method, params, this.#params)];
    checkTimeout(timeoutMs);
    const progress = { sent: false };
    const written = this.#write(method, encoded, progress);
    if ((await withinDeadline(written, timeoutMs, signal)) > 0) return;
    throw progress.sent
      ? new RequestTimeoutError(method, timeoutMs, { awaited: "read" })
      : this.#unsent(method, timeoutMs);
  }

  /** A request must not fail because of a trace that its caller knows nothing of. */
  #tryTrace(method: string, trace: TraceContext | undefined): string | undefined {
    if (trace === undefined) return undefined;
    try {
      return encodeTrace(trace);
    } catch (error) {
      this.#options.onTraceRefused?.(error, method);
      return undefined;
    }
  }

  /** What the server says by itself is for nobody from now on: another connection counts. */
  mute(): void {
    this.#reader.mute();
  }

  /** Ends the connection and the process behind it. Resolves when both are gone; never rejects. */
  close(): Promise<void> {
    return this.#end.close();
  }

  async #write(
    method: string,
    params: readonly EncodedJson[],
    progress: { sent: boolean },
  ): Promise<void> {
    try {
      if (!this.#end.isOver) {
        progress.sent = true;
        await this.#rpc.sendNotification(method, ParameterStructures.byName, ...params);
        return;
      }
    } catch {
      // It could not be written: the connection is over, or about to be.
    }
    await this.closed;
    throw this.#end.error(method, progress.sent);
  }

  #unsent(method: string, timeoutMs: number): RequestTimeoutError {
    const since = this.#end.isOver
      ? "the connection had broken"
      : "as many requests as maxInFlight allows were waiting for their answers";
    return new RequestTimeoutError(method, timeoutMs, { since });
  }
}
