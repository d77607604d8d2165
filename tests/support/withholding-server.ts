import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { PassThrough, Transform } from "node:stream";
import { Deferred } from "../../lib/async/deferred.js";
import { AppServerClient } from "../../lib/index.js";
import { configArgs, serverUnderTest } from "./raw-client.js";
import type { RealStage } from "./real.js";

interface Line {
  readonly id?: number | string;
  readonly method?: string;
  readonly error?: unknown;
}

/** What a test keeps back of what the server says. */
interface Withheld {
  /** Resolves when there is something to keep back: the server has done its part. */
  readonly reached: Promise<void>;
  /** Lets it go, and everything of the kind that comes later. */
  release(): void;
}

/** The real server, whose answers and notifications reach the client only when the test says so. */
export class WithholdingServer implements AsyncDisposable {
  readonly client: AppServerClient;
  readonly #exited: Promise<unknown>;
  readonly #pipe: WithholdingPipe;

  static async start(stage: RealStage): Promise<WithholdingServer> {
    const { config = {}, env, cwd } = stage.options();
    const child = spawn(serverUnderTest(), [...configArgs(config), "app-server"], {
      cwd,
      env: { ...process.env, ...env },
    });
    child.stderr.resume();
    const pipe = new WithholdingPipe(child);
    const transport = { readable: pipe.toClient, writable: pipe.fromClient };
    return new WithholdingServer(child, pipe, await AppServerClient.connect({ transport }));
  }

  private constructor(
    child: ChildProcessWithoutNullStreams,
    pipe: WithholdingPipe,
    client: AppServerClient,
  ) {
    // The server ends with its stdin.
    this.#exited = once(child, "exit");
    this.#pipe = pipe;
    this.client = client;
  }

  /** Keeps back the answer to the next request of this method, and whatever else comes from then on. */
  withholdAnswer(method: string): Withheld {
    return this.#pipe.withholdAnswer(method);
  }

  /**
   * Keeps back everything from the next notification of this method on, but for answers. The server is
   * not asked to interrupt meanwhile: it is as if it had not begun the turn, and refuses.
   */
  withholdFrom(method: string): Withheld & { readonly refused: () => number } {
    return this.#pipe.withholdFrom(method);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.#exited;
  }
}

class WithholdingPipe {
  readonly toClient = new PassThrough();
  readonly fromClient: Transform;
  #fromServer: (line: string, message: Line) => boolean = () => false;
  #toServer: (line: string, message: Line) => boolean = () => false;

  constructor(server: ChildProcessWithoutNullStreams) {
    this.fromClient = new Transform({
      transform: splitLines((line) => {
        if (!this.#toServer(line, JSON.parse(line) as Line)) server.stdin.write(`${line}\n`);
      }),
      flush: (done) => {
        server.stdin.end();
        done();
      },
    });
    this.fromClient.resume();
    const take = splitLines((line) => {
      if (!this.#fromServer(line, JSON.parse(line) as Line)) this.#send(line);
    });
    server.stdout.on("data", (chunk: Buffer) => {
      take(chunk, "utf8", () => undefined);
    });
    server.stdout.on("end", () => this.toClient.end());
  }

  withholdAnswer(method: string): Withheld {
    let id: number | string | undefined;
    const kept: string[] = [];
    const { promise: reached, resolve } = new Deferred<void>();
    this.#toServer = (_, message) => {
      if (message.method === method) id ??= message.id;
      return false;
    };
    this.#fromServer = (line, message) => {
      if (id === undefined) return false;
      kept.push(line);
      if (message.id === id && message.method === undefined) resolve();
      return true;
    };
    const release = (): void => {
      this.#release(kept);
    };
    return { reached, release };
  }

  withholdFrom(method: string): Withheld & { readonly refused: () => number } {
    const kept: string[] = [];
    let refused = 0;
    const { promise: reached, resolve } = new Deferred<void>();
    this.#toServer = (_, message) => {
      if (message.method !== "turn/interrupt") return false;
      refused += 1;
      const error = { code: -32_600, message: "no active turn to interrupt" };
      this.#send(JSON.stringify({ id: message.id, error }));
      return true;
    };
    this.#fromServer = (line, message) => {
      if (message.method === undefined) return false;
      if (kept.length === 0 && message.method !== method) return false;
      kept.push(line);
      resolve();
      return true;
    };
    const release = (): void => {
      this.#release(kept);
    };
    return { reached, refused: () => refused, release };
  }

  #release(kept: readonly string[]): void {
    this.#toServer = this.#fromServer = () => false;
    for (const line of kept) this.#send(line);
  }

  #send(line: string): void {
    this.toClient.write(`${line}\n`);
  }
}

/** Calls `take` with each whole line. */
function splitLines(
  take: (line: string) => void,
): (chunk: Buffer, encoding: string, done: () => void) => void {
  let rest = Buffer.alloc(0);
  return (chunk, _, done) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      take(rest.subarray(0, end).toString("utf8"));
      rest = rest.subarray(end + 1);
    }
    done();
  };
}
