import { closeSync } from "node:fs";
import type { MessageServer } from "./message-server.js";
import { noHolder, type Outlet } from "./outlet.js";
import type { ServerConnection } from "./server-connection.js";

export interface ServeStdioOptions {
  /** What the process does not end by (default: both end it). */
  readonly survives?: readonly ("SIGTERM" | "EOF")[] | undefined;
  /** Learns of the end of stdin, of SIGTERM, and of streams that the script has closed. */
  readonly onEvent?: ((event: Readonly<Record<string, unknown>>) => void) | undefined;
  /** What starts a process that holds the pipes, where a script may ask for it. */
  readonly spawnHolder?: ((logs: boolean) => Promise<void>) | undefined;
}

/** Serves the client on the other side of this process's standard streams, as an app-server does. */
export function serveStdio(
  server: MessageServer,
  { survives = [], onEvent = () => undefined, spawnHolder = noHolder }: ServeStdioOptions = {},
): ServerConnection {
  process.on("SIGTERM", () => {
    onEvent({ signal: "SIGTERM" });
    if (!survives.includes("SIGTERM")) process.exit(0);
  });
  // The client may be gone while the script still writes.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  if (survives.length > 0) stayAlive();
  // A process that ignores its end must still not outlive whoever has started it.
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.exit(1), 1_000).unref();
  const connection = server.connect(new StdioOutlet(onEvent, spawnHolder));
  process.stdin.on("data", (chunk: Buffer) => {
    connection.read(chunk);
  });
  process.stdin.on("error", () => undefined);
  process.stdin.on("end", () => {
    onEvent({ eof: true });
    connection.end();
    if (!survives.includes("EOF")) process.exit(0);
  });
  return connection;
}

/** Messages that are sent as text in the same turn of the event loop go out in one write; bytes do not. */
class StdioOutlet implements Outlet {
  readonly isProcess = true;
  #text = "";
  #flushed: Promise<void> | undefined;
  readonly spawnHolder: (logs: boolean) => Promise<void>;
  readonly #onEvent: (event: Readonly<Record<string, unknown>>) => void;

  constructor(
    onEvent: (event: Readonly<Record<string, unknown>>) => void,
    spawnHolder: (logs: boolean) => Promise<void>,
  ) {
    this.#onEvent = onEvent;
    this.spawnHolder = spawnHolder;
  }

  write(bytes: string | Buffer): Promise<void> {
    if (typeof bytes !== "string") {
      void this.#flush();
      return writeOut(bytes);
    }
    this.#text += bytes;
    this.#flushed ??= new Promise((resolve) => {
      process.nextTick(() => {
        resolve(this.#flush());
      });
    });
    return this.#flushed;
  }

  stderr(text: string): Promise<void> {
    return new Promise((resolve) => {
      process.stderr.write(text, () => {
        resolve();
      });
    });
  }

  exit(code: number): void {
    void this.#flush();
    process.exit(code);
  }

  kill(signal: NodeJS.Signals): void {
    void this.#flush();
    process.kill(process.pid, signal);
  }

  close(stream: "stdin" | "stdout"): void {
    void this.#flush();
    // Node never closes the descriptors of its standard streams by itself.
    stayAlive();
    if (stream === "stdin") process.stdin.destroy();
    closeSync(stream === "stdin" ? 0 : 1);
    this.#onEvent({ closed: stream });
  }

  stopReading(): void {
    process.stdin.pause();
    stayAlive();
  }

  async #flush(): Promise<void> {
    const text = this.#text;
    this.#text = "";
    this.#flushed = undefined;
    if (text !== "") await writeOut(text);
  }
}

function writeOut(bytes: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(bytes, () => {
      resolve();
    });
  });
}

function stayAlive(): void {
  setInterval(() => undefined, 1_000_000);
}
