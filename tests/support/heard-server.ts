import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { PassThrough, type Readable } from "node:stream";
import { setImmediate as immediate } from "node:timers/promises";
import { AppServerClient, type AppServerClientOptions } from "../../lib/index.js";
import { configArgs, serverUnderTest, type RawMessage } from "./raw-client.js";
import type { RealStage } from "./real.js";

type ClientOptions = Pick<AppServerClientOptions, "experimentalApi" | "maxInFlight" | "logger">;

export interface HeardServerOptions extends ClientOptions {
  /** What is started (default: the server under test). */
  readonly command?: string;
  /** In place of the stage's. */
  readonly config?: object;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * The real server and our client of it, with every line between them kept as it is: our errors leave out
 * what the server quotes, and put some of its sentences into other words.
 */
export class HeardServer implements AsyncDisposable {
  /** Everything that the server has sent, in order. */
  readonly lines: readonly RawMessage[];
  readonly client: AppServerClient;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<unknown>;

  static async start(stage: RealStage, options: HeardServerOptions = {}): Promise<HeardServer> {
    const { command = serverUnderTest(), config, env, ...rest } = options;
    const { config: ofStage = {}, cwd, env: ofStageToo } = stage.options();
    const child = spawn(command, [...configArgs(config ?? ofStage), "app-server"], {
      cwd,
      env: { ...process.env, ...ofStageToo, ...env },
    });
    const exited = once(child, "exit");
    child.stderr.resume();
    child.stdin.on("error", () => undefined);
    const lines: RawMessage[] = [];
    const transport = { readable: overheard(child.stdout, lines), writable: child.stdin };
    const client = await AppServerClient.connect({ transport }, rest);
    return new HeardServer(child, exited, client, lines);
  }

  private constructor(
    child: ChildProcessWithoutNullStreams,
    exited: Promise<unknown>,
    client: AppServerClient,
    lines: readonly RawMessage[],
  ) {
    this.#child = child;
    this.#exited = exited;
    this.client = client;
    this.lines = lines;
  }

  /** The words of all refusals so far. */
  get refusals(): string[] {
    return this.lines.flatMap(({ error }) => (error ? [error.message] : []));
  }

  /** What a field of all notifications of a method has said so far. */
  told(method: string, field: string): string[] {
    return this.lines.flatMap((line) =>
      line.method === method ? [String(line.params?.[field])] : [],
    );
  }

  /**
   * Has the server find all that `send` writes at once, `bytes` or more: it is stopped meanwhile (SIGSTOP).
   * They must fit into the pipe.
   */
  async findAtOnce(bytes: number, send: () => void): Promise<void> {
    const { stdin } = this.#child;
    if (!(stdin instanceof Socket)) throw new Error("the server's standard input is no socket");
    const before = stdin.bytesWritten;
    this.#child.kill("SIGSTOP");
    try {
      send();
      while (stdin.bytesWritten < before + bytes || stdin.writableLength > 0) await immediate();
    } finally {
      this.#child.kill("SIGCONT");
    }
  }

  async close(): Promise<void> {
    await this.client.close();
    const force = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await this.#exited;
    clearTimeout(force);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The same bytes, while their lines are kept. */
function overheard(source: Readable, lines: RawMessage[]): Readable {
  const through = new PassThrough();
  let rest = Buffer.alloc(0);
  source.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end).toString();
      rest = rest.subarray(end + 1);
      if (line !== "") lines.push(JSON.parse(line) as RawMessage);
    }
    through.write(chunk);
  });
  source.on("end", () => through.end());
  return through;
}
