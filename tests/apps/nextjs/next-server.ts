import { execFile, spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { configFor, startLoopbackModel, type LoopbackModel } from "../../../lib/testing/index.js";
import { freePort } from "../../support/free-port.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";

const tokens = { ann: "token-of-ann", ben: "token-of-ben" } as const;
export type User = keyof typeof tokens;

interface Program {
  readonly pid: number;
  readonly parent: number;
  /** Its command line. */
  readonly args: string;
}

/** A server of Next.js with the application, on the real app-server and a loopback model. */
export class NextServer implements AsyncDisposable {
  readonly origin: string;
  readonly model: LoopbackModel;
  readonly project: string;
  readonly #directory: TempDir;
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  readonly #lines: Interface;
  readonly #exited: Promise<unknown[]>;

  /** @param args of Node.js. */
  static async start(cwd: string, args: readonly string[]): Promise<NextServer> {
    const model = await startLoopbackModel();
    const directory = await makeTempDir();
    const port = String(await freePort());
    const env = {
      ...process.env,
      PORT: port,
      HOSTNAME: "127.0.0.1",
      NEXT_TELEMETRY_DISABLED: "1",
      // The runtime is to be the one that the output has.
      CODEX_PATH: "",
      USERS: Object.entries(tokens)
        .map((each) => each.join(":"))
        .join(","),
      PROJECT: directory.path,
      CODEX_OPTIONS: JSON.stringify(await configFor(model)),
      THREAD_OPTIONS: JSON.stringify({
        approvalPolicy: "untrusted",
        sandbox: "danger-full-access",
      }),
    };
    const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
    const server = new NextServer(child, `http://127.0.0.1:${port}`, model, directory);
    await server.printed("Ready in");
    return server;
  }

  private constructor(
    child: ChildProcessByStdio<null, Readable, null>,
    origin: string,
    model: LoopbackModel,
    directory: TempDir,
  ) {
    this.#child = child;
    this.origin = origin;
    this.model = model;
    this.#directory = directory;
    this.project = directory.path;
    this.#lines = createInterface(child.stdout);
    this.#exited = once(child, "exit");
  }

  /** Resolves when it prints a line with this text. */
  async printed(text: string): Promise<void> {
    const exit = this.#exited.then(() => Promise.reject(new Error("The server has ended.")));
    exit.catch(() => undefined);
    const line = new Promise<void>((resolve) => {
      const look = (each: string): void => {
        if (!each.includes(text)) return;
        this.#lines.off("line", look);
        resolve();
      };
      this.#lines.on("line", look);
    });
    await Promise.race([line, exit]);
  }

  addressOf(user: User): string {
    return `${this.origin}/login?token=${tokens[user]}`;
  }

  /** A request of a user's; of nobody's without one. */
  async request(path: string, user?: User, body?: unknown): Promise<Response> {
    const headers = {
      ...(user && { cookie: `token=${tokens[user]}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    return fetch(`${this.origin}${path}`, {
      headers,
      ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    });
  }

  /** Starts a thread of Ann's, and a turn on it. */
  async ask(input: string): Promise<{ threadId: string; turnId: string; events: string }> {
    const { threadId } = (await (await this.request("/api/threads", "ann", {})).json()) as {
      threadId: string;
    };
    const response = await this.request(`/api/threads/${threadId}/turns`, "ann", { input });
    return { threadId, ...((await response.json()) as { turnId: string; events: string }) };
  }

  /** The app-servers that it has started, directly or not, and that run. */
  async appServers(): Promise<readonly Program[]> {
    const all = await programs();
    const family = new Set([this.#child.pid]);
    // A child has started later than its parent, but its number may be smaller.
    for (let before = 0; before < family.size;) {
      before = family.size;
      for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
    }
    return all.filter(({ pid, args }) => family.has(pid) && args.includes(" app-server"));
  }

  /** Asks it to end, as platforms do. Resolves when it has, with its exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGTERM");
    }
    await this.#exited;
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.model.close();
    await this.#directory.remove();
  }
}

async function programs(): Promise<readonly Program[]> {
  const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,ppid=,args="]);
  return [...stdout.matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)].map(([, pid, parent, args = ""]) => ({
    pid: Number(pid),
    parent: Number(parent),
    args,
  }));
}
