import { ProtocolError } from "../errors/connection-errors.js";
import { fieldOf } from "./field-of.js";

/**
 * The id of the thread or turn that an answer names: nothing would ever end for one without.
 *
 * @throws ProtocolError
 */
export function idOf(kind: "thread" | "turn", answer: unknown): string {
  const id = fieldOf(answer, kind, "id");
  if (typeof id === "string" && id !== "") return id;
  throw new ProtocolError(
    `The server's answer does not name a ${kind}. Check that the server is a codex app-server.`,
  );
}

/** The thread that a request is about. */
export function threadIdIn(params: unknown): string | undefined {
  const threadId = fieldOf(params, "threadId");
  return typeof threadId === "string" ? threadId : undefined;
}
