import { MessageTooLargeError } from "../errors/connection-errors.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { toReadableJson, type IsContent } from "./readable-json.js";

/** Params or a result, written as JSON before their message: once, and as they were then. */
export class EncodedJson {
  readonly json: string;
  /** The trace that goes beside params, as JSON. */
  readonly trace: string | undefined;

  constructor(json: string, trace?: string) {
    this.json = json;
    this.trace = trace;
  }
}

export interface ParamsRules {
  readonly maxBytes: number;
  /** Which text may be repaired. */
  readonly isContent: IsContent;
}

/**
 * Writes the params of a call. The server wants an object, also where it needs nothing in it.
 *
 * @throws InvalidArgumentError or MessageTooLargeError, before anything is sent.
 */
export function encodeParams(
  method: string,
  params: unknown,
  { maxBytes, isContent }: ParamsRules,
  trace?: string,
): EncodedJson {
  if (typeof (method as unknown) !== "string" || !method.isWellFormed()) {
    throw new InvalidArgumentError("method", "must be the name of a method");
  }
  const whole = `params of ${method}`;
  const json = toReadableJson(params ?? {}, { method, whole, isContent });
  // A function or a symbol has no JSON at all.
  if (!json?.startsWith("{")) throw new InvalidArgumentError(whole, "must be an object");
  // A character is at most three bytes of UTF-8; count exactly only when that could matter.
  if (json.length * 3 > maxBytes && Buffer.byteLength(json) > maxBytes) {
    throw new MessageTooLargeError("outgoing", maxBytes);
  }
  return new EncodedJson(json, trace);
}

/** Writes the answer to a request of the server. @throws InvalidArgumentError */
export function encodeResult(method: string, result: unknown, isContent: IsContent): EncodedJson {
  const json = toReadableJson(result, { method, whole: "the answer", isContent });
  if (json === undefined) throw new InvalidArgumentError("the answer", "cannot be written as JSON");
  return new EncodedJson(json);
}
