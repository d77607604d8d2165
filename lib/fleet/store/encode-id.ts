import { createHash } from "node:crypto";
import { check, checkText } from "../../errors/check-values.js";

/** Longer ones are told apart by their hash: indexes of databases take no more (characters). */
const maxLength = 200;

/**
 * An id, or the name of an owner or a host, as a part of keys: printable ASCII without braces, colons and blanks, however
 * hostile the id. Two ids never give the same.
 *
 * @throws InvalidArgumentError when it is no text, or empty, or has half of a surrogate pair, which no database stores.
 */
export function encodeId(argument: string, id: string): string {
  checkStorable(argument, id);
  const encoded = encodeURIComponent(id);
  if (encoded.length <= maxLength) return encoded;
  // No id is encoded with a plus.
  return `+${createHash("sha256").update(id).digest("base64url")}`;
}

/** @throws InvalidArgumentError */
export function checkStorable(argument: string, text: string): void {
  checkText(argument, text);
  const problem =
    "has half of a surrogate pair, which no database stores: cut text between characters";
  check(argument, text, { fits: () => text.isWellFormed(), problem });
}
