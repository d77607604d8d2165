import { ProtocolError } from "../errors/connection-errors.js";
import { textOf } from "./field-of.js";

/**
 * The id of the thread or turn that an answer names: nothing would ever end for one without.
 *
 * @throws ProtocolError
 */
export function idOf(kind: "thread" | "turn", answer: unknown): string {
  const id = textOf(answer, kind, "id");
  if (id) return id;
  throw new ProtocolError(
    `The server's answer does not name a ${kind}. Check that the server is a codex app-server.`,
  );
}
