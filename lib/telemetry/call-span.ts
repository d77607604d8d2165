import {
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from "@opentelemetry/api";
import type { Operation, RequestOperation, StartOperation } from "../index.js";
import { cutShortAttribute, type OpenSpan } from "./open-spans.js";
import type { Recording } from "./recording.js";
import { attributes, own } from "./semantic-conventions.js";

/** The span of one request to the server, as a call of a remote procedure, or of the server's start. */
export class CallSpan implements OpenSpan {
  readonly span: Span;
  readonly context: Context;
  readonly #recording: Recording;
  #isOver = false;

  private constructor(recording: Recording, span: Span, parent: Context) {
    this.#recording = recording;
    this.span = span;
    this.context = trace.setSpan(parent, span);
    recording.open.add(this);
  }

  static ofRequest(recording: Recording, request: RequestOperation, parent: Context): CallSpan {
    const beginning = {
      [attributes.rpcSystem]: "jsonrpc",
      [attributes.rpcMethod]: request.method,
      [attributes.jsonRpcVersion]: "2.0",
    };
    const { startedAtMs: startTime } = request;
    const options = { kind: SpanKind.CLIENT, startTime, attributes: beginning };
    const span = recording.tracer.startSpan(request.method, options, parent);
    return new CallSpan(recording, span, parent);
  }

  static ofStart(recording: Recording, start: StartOperation, parent: Context): CallSpan {
    const { startedAtMs: startTime, via } = start;
    const options = { kind: SpanKind.INTERNAL, startTime, attributes: { [own.startVia]: via } };
    const span = recording.tracer.startSpan(own.startSpan, options, parent);
    return new CallSpan(recording, span, parent);
  }

  requestEnded(request: RequestOperation): void {
    const { requestId, threadId, turnId } = request;
    const known: Attributes = {};
    if (requestId !== undefined) known[attributes.jsonRpcId] = String(requestId);
    if (threadId !== undefined) known[attributes.conversationId] = threadId;
    if (turnId !== undefined) known[own.turnId] = turnId;
    const code = rpcCodeOf(request.error);
    if (code !== undefined) known[attributes.rpcStatus] = String(code);
    this.#end(request, known);
  }

  startEnded(start: StartOperation): void {
    const { serverVersion } = start;
    this.#end(start, serverVersion === undefined ? {} : { [own.serverVersion]: serverVersion });
  }

  cutShort(): void {
    if (!this.#close()) return;
    this.span.setAttributes(cutShortAttribute);
    this.span.end();
  }

  #end({ errorType }: Operation, known: Attributes): void {
    if (!this.#close()) return;
    this.span.setAttributes(known);
    if (errorType !== undefined) {
      this.span.setAttribute(attributes.errorType, errorType);
      this.span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.span.end();
  }

  #close(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#recording.open.delete(this);
    return true;
  }
}

/** The code that the server has refused a request with. */
function rpcCodeOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const code: unknown = Reflect.get(error, "rpcCode");
  return typeof code === "number" ? code : undefined;
}
