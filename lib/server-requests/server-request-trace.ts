import { serverRequestTracing } from "../diagnostics/channels.js";
import { TracedServerRequest } from "../diagnostics/server-request-operation.js";
import type { TracedTurn } from "../diagnostics/turn-operation.js";
import { EncodedJson } from "../jsonrpc/encoded.js";
import type { Answer } from "../jsonrpc/message.js";
import type { OpenRequest } from "./open-request.js";

/** Shows a request of the server on its tracing channel. */
export class ServerRequestTrace {
  readonly #request: OpenRequest;
  readonly #operation: TracedServerRequest;

  private constructor(request: OpenRequest, turn: TracedTurn | undefined) {
    this.#request = request;
    this.#operation = new TracedServerRequest(request, turn);
  }

  /**
   * Calls `run` in the context that the subscribers have bound to the request, and has its end shown when it is
   * settled. Without subscribers, and for a request that is over, it only calls it.
   */
  static begin<Result>(
    request: OpenRequest,
    turn: () => TracedTurn | undefined,
    run: () => Result,
  ): Result {
    if (!serverRequestTracing.isOn || request.isOver()) return run();
    const trace = new ServerRequestTrace(request, turn());
    request.trace = trace;
    return serverRequestTracing.begin(trace.#operation, run);
  }

  ended(answer: Answer | undefined): void {
    const { failure, isRefused } = this.#request;
    const outcome = isRefused ? "refused" : answer ? "answered" : "over";
    this.#operation.settled(outcome, () => resultIn(answer));
    serverRequestTracing.ended(this.#operation, failure);
  }
}

function resultIn(answer: Answer | undefined): unknown {
  if (!answer || !("result" in answer)) return undefined;
  const { result } = answer;
  return result instanceof EncodedJson ? JSON.parse(result.json) : result;
}
