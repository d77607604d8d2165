/** As much of AWS Lambda as the handler uses, so that it needs no package of it. */
import type { Writable } from "node:stream";

/** A request of a function URL, or of an HTTP API with payloads of format 2.0. */
export interface FunctionEvent {
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  readonly requestContext: {
    /** Who has sent it: an authorizer in front of the function has checked that. */
    readonly authorizer?: { readonly jwt?: { readonly claims: { readonly sub?: string } } };
  };
}

export interface FunctionContext {
  /** How long until the platform ends the process, whatever it does (ms). */
  getRemainingTimeInMillis(): number;
}

export interface FunctionAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type StreamHandler = (
  event: FunctionEvent,
  response: Writable,
  context: FunctionContext,
) => Promise<void>;

declare global {
  /** What the platform gives to functions whose responses are streamed. */
  var awslambda: {
    streamifyResponse(handler: StreamHandler): unknown;
    HttpResponseStream: {
      from(response: Writable, head: Pick<FunctionAnswer, "statusCode" | "headers">): Writable;
    };
  };
}
