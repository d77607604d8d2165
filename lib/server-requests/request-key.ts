import { createHash, randomUUID } from "node:crypto";
import type { RequestMessage } from "../jsonrpc/message.js";

/** 192 bits. */
const keyCharacters = 32;

/**
 * What names a request of the server in `respond()` and on pages. The server sends one that waits again to each client
 * that resumes its thread, in another process too, and there it gets the same key: it is made of the method, the id on
 * the wire and the params, which name the thread, the turn and the item. No other request has it: two that wait at once
 * differ in their ids, and a server that was restarted, and counts from zero again, runs other turns.
 *
 * Where no turn is named (`canComeAgain` is false), a restarted server might ask the very same, and what it asked before
 * does not come again. Such a request has a key of its own.
 */
export function requestKey({ id, method, params }: RequestMessage, canComeAgain: boolean): string {
  const content = canComeAgain ? contentOf([method, id, params]) : undefined;
  if (content === undefined) return randomUUID();
  return createHash("sha256").update(content).digest("base64url").slice(0, keyCharacters);
}

/** Undefined for what is nested more deeply than it can be written. */
function contentOf(parts: readonly unknown[]): string | undefined {
  try {
    return JSON.stringify(parts);
  } catch {
    return undefined;
  }
}
