/**
 * The server's end of one connection, whatever carries it: a pair of streams in this process, the
 * standard streams of a process of its own, or a socket.
 */
export interface Outlet {
  /** Whether the server is over when this connection is, as a process over pipes is. */
  readonly isProcess: boolean;
  /** Resolves when the bytes have been handed on. */
  write(bytes: string | Buffer): Promise<void> | void;
  stderr(text: string): Promise<void> | void;
  /** The process ends: by itself with a code, or by a signal. A socket is cut. */
  exit(code: number): void;
  kill(signal: NodeJS.Signals): void;
  close(stream: "stdin" | "stdout"): void;
  stopReading(): void;
  /** Starts a process that holds the pipes open. */
  spawnHolder(logs: boolean): Promise<void>;
}

/** @throws always: only a process of its own has pipes that another one can hold. */
export function noHolder(): never {
  throw new Error("`spawnHolder` works only in a server that runs as a process of its own.");
}
