import { MessageTooLargeError } from "../errors/connection-errors.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

/** Params that were serialised when the call was made: once, and as they were then. */
export class EncodedParams {
  readonly json: string;

  constructor(json: string) {
    this.json = json;
  }
}

/**
 * Serialises the params of a call. The server wants an object, also where it needs nothing in it.
 *
 * @throws InvalidArgumentError or MessageTooLargeError, before anything is sent.
 */
export function encodeParams(method: string, params: unknown, maxBytes: number): EncodedParams {
  let json: unknown;
  try {
    json = JSON.stringify(params ?? {});
  } catch (error) {
    throw new InvalidArgumentError(`params of ${method}`, "cannot be written as JSON", {
      cause: error,
    });
  }
  // A function or a symbol has no JSON at all.
  if (typeof json !== "string" || !json.startsWith("{")) {
    throw new InvalidArgumentError(`params of ${method}`, "must be an object");
  }
  // A character is at most three bytes of UTF-8; count exactly only when that could matter.
  if (json.length * 3 > maxBytes && Buffer.byteLength(json) > maxBytes) {
    throw new MessageTooLargeError("outgoing", maxBytes);
  }
  return new EncodedParams(json);
}
