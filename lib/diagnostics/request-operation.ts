import { TracedOperation, type Operation } from "./operation.js";
import type { TraceContext } from "./trace-context.js";

/** What a request says, and what it was answered with. */
export interface RequestContent {
  readonly params: unknown;
  /** Undefined until the server has answered. */
  readonly result: unknown;
}

/**
 * One request to the server, from the call to its answer. A request that is repeated, since the server was
 * too busy, is an operation each time.
 */
export interface RequestOperation extends Operation {
  /** The method of the protocol, such as `"turn/start"`. */
  readonly method: string;
  /** Its id on the wire, once it was written. A server that was replaced counts from the beginning. */
  readonly requestId: number | undefined;
  /** The thread and the turn that it names, or that its answer does. */
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
  /**
   * The trace that goes out with it: that of the call, or else of the client's `traceContext`. While it is
   * undefined, a subscriber of `start` may set it. A malformed one is reported to `onError` and not sent.
   */
  trace: TraceContext | undefined;
  /** The params and the result. */
  readonly content: RequestContent;
}

/** The ids that params, or a result, name. */
export interface NamedIds {
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
}

export function noIds(): NamedIds {
  return { threadId: undefined, turnId: undefined };
}

export class TracedRequest extends TracedOperation implements RequestOperation {
  readonly method: string;
  requestId: number | undefined = undefined;
  threadId: string | undefined;
  turnId: string | undefined;
  trace: TraceContext | undefined;
  readonly #params: unknown;
  #result: unknown;

  constructor(method: string, params: unknown, ids: NamedIds, trace: TraceContext | undefined) {
    super();
    this.method = method;
    this.threadId = ids.threadId;
    this.turnId = ids.turnId;
    this.trace = trace;
    this.#params = params;
  }

  get content(): RequestContent {
    return { params: this.#params, result: this.#result };
  }

  answered(result: unknown, ids: NamedIds): void {
    this.#result = result;
    this.threadId ??= ids.threadId;
    this.turnId ??= ids.turnId;
  }
}
