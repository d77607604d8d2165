import type { Logger } from "../async/logger.js";

/** The four shapes on the wire. There is no `jsonrpc` member. */
export interface RequestMessage {
  readonly id: string | number;
  readonly method: string;
  readonly params?: unknown;
}

/** The answer to one of the server's requests. */
export type Answer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: number; readonly message: string } };

export interface NotificationMessage {
  readonly method: string;
  readonly params?: unknown;
  /** When the server made it (ms since the epoch). */
  readonly emittedAtMs?: number;
}

export interface ResponseMessage {
  readonly id: string | number;
  /** An `ErrorAnswer` when the server refused. */
  readonly result: unknown;
}

/** Takes the requests of the server, and decides on the answers. */
export interface RequestReceiver {
  readonly logger: Required<Logger>;
  /** Answers a server request, or not; it is called in wire order and may take its time. */
  onRequest(message: RequestMessage): Promise<Answer | undefined>;
  /** Gets why an answer could not be written: what it is made of is the caller's, and may throw. */
  onAnswerFailed?(error: unknown, request: RequestMessage): void;
}

/** Reads lines of a kind that comes often faster than `JSON.parse` does, and exactly as it does. */
export interface FrequentLines {
  /** The notification whose line is `lines.slice(start, end)`; undefined for every other line. */
  read(lines: string, start: number, end: number): NotificationMessage | undefined;
  /** Learns from a notification that was read otherwise: more like it may follow. */
  learn(message: NotificationMessage): void;
}

/**
 * An error answer, as the server wrote it. It takes the place of a result on its way through
 * vscode-jsonrpc, for which some codes mean failures on this side of the wire.
 */
export class ErrorAnswer {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

export type IncomingMessage =
  | { readonly kind: "request"; readonly message: RequestMessage }
  | { readonly kind: "response"; readonly message: ResponseMessage }
  | { readonly kind: "notification"; readonly message: NotificationMessage };

/**
 * Tells which of the shapes a parsed line has. Anything else is `undefined`: to be skipped, never
 * fatal. A malformed answer to a request becomes an error answer, so that nobody waits for ever.
 */
export function classify(value: unknown): IncomingMessage | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  const id = fields["id"];
  const hasId = typeof id === "number" || typeof id === "string";
  if (typeof fields["method"] === "string") {
    if (id === undefined) return { kind: "notification", message: fields as never };
    return hasId ? { kind: "request", message: fields as never } : undefined;
  }
  if (!hasId) return undefined;
  if (fields["error"] !== undefined && fields["error"] !== null) {
    return { kind: "response", message: { id, result: new ErrorAnswer(fields["error"]) } };
  }
  if ("result" in fields) return { kind: "response", message: { id, result: fields["result"] } };
  const error = { message: "it has no result and no error" };
  return { kind: "response", message: { id, result: new ErrorAnswer(error) } };
}
