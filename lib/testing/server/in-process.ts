import { PassThrough } from "node:stream";
import type { Transport, TransportEnd } from "../../transport/transport.js";
import type { MessageServer } from "./message-server.js";
import { noHolder, type Outlet } from "./outlet.js";
import type { ServerConnection } from "./server-connection.js";

/** How a server in this process ends, as if it were a process of its own. */
export interface CrashOptions {
  readonly exitCode?: number | null;
  readonly signal?: NodeJS.Signals | null;
  /** The last that it writes to stderr. */
  readonly stderr?: string;
}

/** Both ends of a connection within this process; each message is a chunk of its own. */
export class InProcessLink implements Outlet {
  readonly isProcess = true;
  /** The client's end. */
  readonly transport: Transport;
  readonly connection: ServerConnection;
  readonly #toClient = new PassThrough();
  readonly #fromClient = new PassThrough();
  #stderr = "";
  #end!: (end: TransportEnd) => void;

  constructor(server: MessageServer) {
    const ended = new Promise<TransportEnd>((resolve) => {
      this.#end = resolve;
    });
    this.transport = {
      input: this.#toClient,
      output: this.#fromClient,
      ended,
      stderrTail: () => this.#stderr,
      close: () => {
        this.crash({ exitCode: 0 });
        return ended.then(() => undefined);
      },
    };
    this.connection = server.connect(this);
    this.#fromClient.on("data", (chunk: Buffer) => {
      this.connection.read(chunk);
    });
    this.#fromClient.on("end", () => {
      this.connection.end();
    });
  }

  /** The server is gone; what was sent before still arrives. */
  crash({ exitCode = null, signal = null, stderr }: CrashOptions = {}): void {
    this.#stderr = stderr ?? this.#stderr;
    this.connection.over();
    this.#toClient.end();
    this.#end({ exitCode, signal });
  }

  write(bytes: string | Buffer): void {
    if (!this.#toClient.writableEnded) this.#toClient.write(bytes);
  }

  stderr(text: string): void {
    this.#stderr = (this.#stderr + text).slice(-8_192);
  }

  exit(code: number): void {
    this.crash({ exitCode: code });
  }

  kill(signal: NodeJS.Signals): void {
    this.crash({ signal });
  }

  close(stream: "stdin" | "stdout"): void {
    if (stream === "stdin") this.#fromClient.destroy();
    else this.#toClient.end();
  }

  stopReading(): void {
    this.#fromClient.pause();
  }

  spawnHolder(): never {
    return noHolder();
  }
}
