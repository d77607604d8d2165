import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readlink, rm } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { AppServerClient, type ConnectOptions } from "../../lib/index.js";
import { freePort } from "./free-port.js";
import { configArgs, serverUnderTest } from "./raw-client.js";
import type { RealStage } from "./real.js";

export interface ListeningServerOptions {
  /** What it listens on (default `"ws"`: a free port of the loopback). */
  readonly listen?: "ws" | "unix";
  /** More of the command line, such as `--ws-auth …`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * The real server, listening on a socket, with the model and the home of a stage. Dispose of it
 * before the stage: that closes its clients and ends it, whatever it is doing.
 */
export class ListeningServer implements AsyncDisposable {
  /** Everything it has written to stderr, restarts included. */
  stderr = "";
  /** Where it listens; the same after a restart. */
  readonly url: string;
  readonly #stage: RealStage;
  readonly #options: ListeningServerOptions;
  readonly #clients: AppServerClient[] = [];
  #child: ChildProcess | undefined;
  #exited: Promise<Exit> = Promise.resolve({ code: null, signal: null });

  static async start(
    stage: RealStage,
    options: ListeningServerOptions = {},
  ): Promise<ListeningServer> {
    const url =
      options.listen === "unix"
        ? `unix://${path.join(stage.home, "listening.sock")}`
        : `ws://127.0.0.1:${await freePort()}`;
    const server = new ListeningServer(stage, options, url);
    await server.#launch();
    return server;
  }

  private constructor(stage: RealStage, options: ListeningServerOptions, url: string) {
    this.#stage = stage;
    this.#options = options;
    this.url = url;
  }

  /** The path of its unix socket, or the port of its address. */
  get target(): { readonly path: string } | { readonly host: string; readonly port: number } {
    if (this.url.startsWith("unix://")) return { path: this.url.slice("unix://".length) };
    const { hostname, port } = new URL(this.url);
    return { host: hostname, port: Number(port) };
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when the process of this moment has ended, with how. */
  get exited(): Promise<Exit> {
    return this.#exited;
  }

  /** A client of this server, closed together with it. */
  async connect(options: ConnectOptions = {}): Promise<AppServerClient> {
    const client = await AppServerClient.connect(this.url, options);
    this.#clients.push(client);
    return client;
  }

  /** Asks it to end: at once when no turn runs, else when the last one has. A second one does not wait. */
  drain(signal: NodeJS.Signals = "SIGTERM"): void {
    this.#child?.kill(signal);
  }

  /** Ends it without any goodbye. */
  async kill(): Promise<Exit> {
    this.#child?.kill("SIGKILL");
    const exit = await this.#exited;
    await this.#tidy();
    return exit;
  }

  /** Asks it to end, twice if need be, and then forces it. */
  async stop(): Promise<Exit> {
    for (const signal of ["SIGTERM", "SIGTERM"] as const) {
      this.#child?.kill(signal);
      const exit = await within(this.#exited, 3_000);
      if (exit) {
        await this.#tidy();
        return exit;
      }
    }
    return this.kill();
  }

  /** Starts it again on the same address; ends the process before, by force, if it still runs. */
  async restart(): Promise<void> {
    await this.kill();
    await this.#launch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.stop();
  }

  async #launch(): Promise<void> {
    const { config = {}, env, cwd } = this.#stage.options();
    const { args = [] } = this.#options;
    const child = spawn(
      serverUnderTest(),
      [...configArgs(config), "app-server", "--listen", this.url, ...args],
      {
        cwd,
        env: { ...process.env, ...env, ...this.#options.env },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    this.#child = child;
    this.#exited = once(child, "exit").then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    const before = this.stderr.length;
    while (!(await this.#isListening(this.stderr.slice(before)))) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the server did not start: ${this.stderr.slice(before)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** On a port it says so; of a unix socket it says nothing, so that has to be tried. */
  async #isListening(said: string): Promise<boolean> {
    if (!this.url.startsWith("unix://")) {
      return plain(said).includes(`listening on: ${this.url}`);
    }
    const socket = connect(this.target);
    const listening = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => {
        resolve(true);
      });
      socket.once("error", () => {
        resolve(false);
      });
    });
    socket.destroy();
    return listening;
  }

  /** By force, it leaves its socket behind, which is in a directory of the user's, not of the stage. */
  async #tidy(): Promise<void> {
    if (!this.url.startsWith("unix://")) return;
    const { path: socketPath } = this.target as { path: string };
    const socket = await readlink(socketPath).catch(() => undefined);
    if (socket !== undefined) await rm(socket, { force: true });
    await rm(socketPath, { force: true });
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function plain(text: string): string {
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}
