import { isBytes } from "../../async/realms.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";

/** The one field of an object that stands for bytes. */
const bytesField = "\u0000bytes";

/** A value as JSON; bytes, such as those of an image, are kept. @throws InvalidArgumentError when it is no JSON. */
export function toStoredJson(argument: string, value: unknown): string {
  let json: unknown;
  try {
    json = JSON.stringify(value, withBytes);
  } catch (cause) {
    throw new InvalidArgumentError(argument, "cannot be written as JSON", { cause });
  }
  if (typeof json !== "string")
    throw new InvalidArgumentError(argument, "cannot be written as JSON");
  return json;
}

function withBytes(this: Readonly<Record<string, unknown>>, key: string, given: unknown): unknown {
  // A Buffer has been made something else of by then.
  const original = this[key];
  if (!isBytes(original)) return given;
  const { buffer, byteOffset, byteLength } = original;
  return { [bytesField]: Buffer.from(buffer, byteOffset, byteLength).toString("base64") };
}

export function fromStoredJson(json: string): unknown {
  return JSON.parse(json, (_key, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    const bytes = (value as Record<string, unknown>)[bytesField];
    return typeof bytes === "string" ? new Uint8Array(Buffer.from(bytes, "base64")) : value;
  });
}
