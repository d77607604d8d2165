import type { Readable, Writable } from "node:stream";

/** How the other side ended. Unknown parts are `null`. */
export interface TransportEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A byte stream in both directions, with one JSON message a line, and its lifetime. */
export interface Transport {
  /** What the server sends. */
  readonly input: Readable;
  /** What the server receives. */
  readonly output: Writable;
  /** Resolves when the other side is gone and everything it sent has been read; never rejects. */
  readonly ended: Promise<TransportEnd>;
  /** The end of the server's log output, at most 8,192 characters. */
  stderrTail(): string;
  /** Ends the other side, politely first. Memoised; resolves when it is gone; never rejects. */
  close(): Promise<void>;
}
