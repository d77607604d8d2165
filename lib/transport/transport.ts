import type { Readable, Writable } from "node:stream";

/** How the other side ended. Unknown parts are `null`. */
export interface TransportEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The error, when it did not simply end. */
  readonly error?: Error | undefined;
}

/** How long each step of closing may take before the next, harsher one (ms). */
export const closeGraceMs = 2_000;

/**
 * What makes connections to a server that is neither started as a process nor reached by an address, such
 * as a `FakeAppServer` of `codex-app-server-sdk/testing`.
 */
export interface InProcessServer {
  /** Makes one connection: for the start, and, after a loss, for each start that follows. */
  connect(): Transport | Promise<Transport>;
}

/** A byte stream in both directions, with one JSON message a line, and its lifetime. */
export interface Transport {
  /** The bytes that the server sends. */
  readonly input: Readable;
  /** The bytes that the server receives. Each write is one whole line. */
  readonly output: Writable;
  /** The longest line that the server takes (bytes), where it has a limit. */
  readonly maxOutgoingBytes?: number | undefined;
  /** Resolves when the other side is gone and everything it sent has been read; never rejects. */
  readonly ended: Promise<TransportEnd>;
  /** The end of the server's log output, at most 8,192 characters; left out where it cannot be read. */
  stderrTail?(): string;
  /** Ends the other side, politely first. Memoised; resolves when it is gone; never rejects. */
  close(): Promise<void>;
}
