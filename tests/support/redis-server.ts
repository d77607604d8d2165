import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { freePort } from "./free-port.js";
import { makeTempDir, type TempDir } from "./temp-dir.js";

/** A `redis-server` of this machine, on a free port of the loopback, with a directory of its own. */
export class RedisServer {
  readonly kind = "redis";
  readonly port: number;
  readonly #folder: TempDir;
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: TempDir, settings: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#settings = settings;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error("it does not run");
    return pid;
  }

  /** Starts one that writes each change to its disk; `settings` are further lines of its command. */
  static async start(settings: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await makeTempDir("redis-"), settings);
    try {
      await server.restart();
    } catch (error) {
      await server.#folder.remove();
      throw error;
    }
    return server;
  }

  /** Starts it again with what is on its disk. Resolves when it takes connections. */
  async restart(): Promise<void> {
    const settings = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""];
    const own = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#folder.path];
    const args = [...own, ...settings, ...this.#settings];
    const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = child;
    await Promise.race([isReady(child), hasFailed(child)]);
  }

  /** It says nothing any more, until `goOn()`. */
  stop(): Promise<void> {
    process.kill(this.pid, "SIGSTOP");
    return Promise.resolve();
  }

  goOn(): Promise<void> {
    process.kill(this.pid, "SIGCONT");
    return Promise.resolve();
  }

  /** Ends it as a failing machine does. Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#folder.remove();
  }
}

async function isReady({ stdout }: ChildProcess): Promise<void> {
  if (!stdout) throw new Error("it has no output");
  const lines = createInterface(stdout);
  const said: string[] = [];
  for await (const line of lines) {
    said.push(line);
    if (line.includes("Ready to accept connections")) {
      lines.close();
      // What it says later must not fill the pipe.
      stdout.resume();
      return;
    }
  }
  throw new Error(`redis-server did not become ready:\n${said.join("\n")}`);
}

async function hasFailed(child: ChildProcess): Promise<never> {
  const [error] = (await once(child, "error")) as [NodeJS.ErrnoException];
  if (error.code !== "ENOENT") throw error;
  throw new Error(
    "There is no redis-server on this machine, which these tests need. " +
      "Install it with: apt-get install redis-server (Debian), or brew install redis (macOS).",
    { cause: error },
  );
}
