import { SpanKind, type Attributes, type Context } from "@opentelemetry/api";
import type { RequestOperation, StartOperation } from "../index.js";
import { OperationSpan } from "./operation-span.js";
import type { Recording } from "./recording.js";
import { attributes, own } from "./semantic-conventions.js";

/** The span of one request to the server, as a call of a remote procedure, or of the server's start. */
export class CallSpan extends OperationSpan {
  static ofRequest(recording: Recording, request: RequestOperation, parent: Context): CallSpan {
    const beginning = {
      [attributes.rpcSystem]: "jsonrpc",
      [attributes.rpcMethod]: request.method,
      [attributes.jsonRpcVersion]: "2.0",
    };
    const { startedAtMs: startTime } = request;
    const options = { kind: SpanKind.CLIENT, startTime, attributes: beginning };
    return new CallSpan(recording, request.method, options, parent);
  }

  static ofStart(recording: Recording, start: StartOperation, parent: Context): CallSpan {
    const { startedAtMs: startTime, via } = start;
    const options = { kind: SpanKind.INTERNAL, startTime, attributes: { [own.startVia]: via } };
    return new CallSpan(recording, own.startSpan, options, parent);
  }

  requestEnded(request: RequestOperation): void {
    const { requestId, threadId, turnId } = request;
    const known: Attributes = {};
    if (requestId !== undefined) known[attributes.jsonRpcId] = String(requestId);
    if (threadId !== undefined) known[attributes.conversationId] = threadId;
    if (turnId !== undefined) known[own.turnId] = turnId;
    const code = rpcCodeOf(request.error);
    if (code !== undefined) known[attributes.rpcStatus] = String(code);
    this.end(known, request.errorType);
  }

  startEnded({ serverVersion, errorType }: StartOperation): void {
    const known = serverVersion === undefined ? {} : { [own.serverVersion]: serverVersion };
    this.end(known, errorType);
  }
}

/** The code that the server has refused a request with. */
function rpcCodeOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const code: unknown = Reflect.get(error, "rpcCode");
  return typeof code === "number" ? code : undefined;
}
