import { ParameterStructures, type MessageConnection } from "./json-rpc.js";
import { onAbort } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";
import { Fifo } from "../async/fifo.js";
import { QueueProbe, probeRequest } from "./queue-probe.js";
import type { ConnectionEnd } from "./connection-end.js";
import type { EncodedJson } from "./encoded.js";
import { InFlightLimit } from "./in-flight.js";
import { ErrorAnswer } from "./message.js";
import type { LineMessageReader } from "./reader.js";
import type { LineMessageWriter } from "./writer.js";

/** The fate of a request. */
export type Outcome =
  | { readonly kind: "answered"; readonly result: unknown }
  | { readonly kind: "refused"; readonly error: unknown }
  | { readonly kind: "aborted"; readonly reason: unknown }
  /** `sent`: whether it was written to the connection. */
  | { readonly kind: "timeout" | "closed"; readonly sent: boolean };

export interface WaitOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly longRunning: boolean;
  /** Called with its id when the request is written; it must not throw. */
  readonly onSent?: ((id: number) => void) | undefined;
  /** Gets the answer that comes when nobody waits for it any more; it must not throw. */
  readonly late?: { answered(result: unknown): void } | undefined;
}

/** The parts of the connection that requests go through. */
interface Wire {
  readonly rpc: MessageConnection;
  readonly reader: LineMessageReader;
  readonly writer: LineMessageWriter;
  readonly end: ConnectionEnd;
}

const maxAbandoned = 1_024;

/**
 * What has waited for its place and has less time left than this (ms) is not sent any more. The requests
 * before it were made in the same moment, more often than not, and it got its place when their time was up:
 * it would only be carried out when nobody waits for it.
 */
const leastMs = 10;

/** The requests on their way: their place in flight, deadline and signal, and their answer. */
export class Requests {
  readonly #wire: Wire;
  readonly #limit: InFlightLimit;
  readonly #probe = new QueueProbe(() => {
    const { method, params } = probeRequest;
    return this.#send(method, params, () => undefined);
  });
  readonly #abandoned = new Fifo<number>();

  constructor(wire: Wire, maxInFlight: number) {
    this.#wire = wire;
    this.#limit = new InFlightLimit(maxInFlight);
  }

  /** Sends a request when there is room, and resolves with what became of it; never rejects. */
  exchange(method: string, params: EncodedJson, options: WaitOptions): Promise<Outcome> {
    const { signal, timeoutMs, longRunning, late } = options;
    const { promise, resolve } = new Deferred<Outcome>();
    let id: number | undefined;
    let isSettled = false;
    let isGivenUp = false;
    // The signal may abort while the stream takes the request, whose id and place are known only then.
    let isStarting = true;
    // Gives back at once what the request has taken: others may wait for its place.
    const giveBack = (): void => {
      leave();
      stopDeadline();
      unlink();
      if (id !== undefined) this.#probe.gone(id);
      if (isGivenUp) this.#abandon(id);
    };
    const settle = (outcome: Outcome): void => {
      if (isGivenUp && outcome.kind === "answered") late?.answered(outcome.result);
      if (isSettled) return;
      isSettled = true;
      isGivenUp = outcome.kind === "timeout" || outcome.kind === "aborted";
      if (!isStarting) giveBack();
      resolve(outcome);
    };
    const unlink = onAbort(signal, (reason) => {
      settle({ kind: "aborted", reason });
    });
    const stopDeadline = onDeadline(timeoutMs, () => {
      settle({ kind: "timeout", sent: id !== undefined });
    });
    const dueAt = performance.now() + timeoutMs;
    let hasWaited = false;
    const start = (): void => {
      if (hasWaited && dueAt - performance.now() < leastMs) {
        settle({ kind: "timeout", sent: false });
        return;
      }
      id = this.#send(method, params, settle);
      if (id !== undefined) options.onSent?.(id);
      if (longRunning && id !== undefined) {
        this.#probe.sent(id, () => {
          leave();
        });
      }
    };
    const started = (): void => {
      isStarting = false;
      if (isSettled) giveBack();
    };
    const leave = this.#limit.enter(() => {
      isStarting = true;
      start();
      if (hasWaited) started();
    });
    hasWaited = true;
    started();
    return promise;
  }

  /**
   * Returns the id of the request; undefined when the connection is over. Who waits learns how it ended when
   * that is known, and may stop waiting before.
   */
  #send(
    method: string,
    params: EncodedJson,
    settle: (outcome: Outcome) => void,
  ): number | undefined {
    const { rpc, writer, end } = this.#wire;
    const close = (sent: boolean): void => {
      void end.closed.then(() => {
        settle({ kind: "closed", sent });
      });
    };
    if (end.isOver) {
      close(false);
      return undefined;
    }
    rpc.sendRequest(method, ParameterStructures.byName, params).then(
      (result) => {
        if (id !== undefined) {
          if (isRefusalForLackOfRoom(result)) this.#probe.gone(id);
          else this.#probe.answered(id);
        }
        if (result instanceof ErrorAnswer) settle({ kind: "refused", error: result.error });
        else settle({ kind: "answered", result });
      },
      // Error answers do not come this way: it could not be written, or the connection has ended first.
      () => {
        close(id !== undefined);
      },
    );
    const id = writer.lastRequestId;
    return id;
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
    this.#wire.reader.inject({ id: oldest, result: null });
  }
}

function isRefusalForLackOfRoom(result: unknown): boolean {
  if (!(result instanceof ErrorAnswer)) return false;
  const { error } = result;
  return typeof error === "object" && error !== null && "code" in error && error.code === -32_001;
}
