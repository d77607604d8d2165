import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import {
  AppServerClient,
  Codex,
  type AppServerClientOptions,
  type CodexOptions,
  type ServerNotification,
  type ServerNotificationMethod,
} from "../../lib/index.js";
import {
  configFor,
  reply,
  startLoopbackModel,
  type HoldPart,
  type LoopbackConfig,
  type LoopbackConfigOverrides,
  type LoopbackModel,
} from "../../lib/testing/index.js";
import { makeTempDir, type TempDir } from "./temp-dir.js";

type Overrides = LoopbackConfigOverrides | ((model: LoopbackModel) => LoopbackConfigOverrides);

/**
 * Our client on the real server: a scripted model, a private home, an empty project directory.
 * `close()` ends everything that was made here, and fails when a server process is left.
 */
export class RealStage {
  readonly model: LoopbackModel;
  readonly #config: LoopbackConfig;
  readonly #directory: TempDir;
  readonly #clients: (Codex | AppServerClient)[] = [];
  readonly #strangers: ReadonlySet<number>;

  static async open(overrides: Overrides = {}): Promise<RealStage> {
    const strangers = new Set(await codexProcesses());
    const model = await startLoopbackModel();
    const chosen = typeof overrides === "function" ? overrides(model) : overrides;
    return new RealStage(model, await configFor(model, chosen), await makeTempDir(), strangers);
  }

  private constructor(
    model: LoopbackModel,
    config: LoopbackConfig,
    directory: TempDir,
    strangers: ReadonlySet<number>,
  ) {
    this.model = model;
    this.#config = config;
    this.#directory = directory;
    this.#strangers = strangers;
  }

  /** The server's `CODEX_HOME`. */
  get home(): string {
    return this.#config.env.CODEX_HOME ?? "";
  }

  /** Where the server runs, and so where its threads work. */
  get project(): string {
    return this.#directory.path;
  }

  /** Options that lead to this stage's model and home. */
  options(extra: CodexOptions = {}): CodexOptions {
    const env = { ...this.#config.env, ...extra.env };
    return { ...this.#config, cwd: this.project, ...extra, env };
  }

  codex(extra: CodexOptions = {}): Codex {
    const codex = new Codex(this.options(extra));
    this.#clients.push(codex);
    return codex;
  }

  async client(extra: AppServerClientOptions = {}): Promise<AppServerClient> {
    const client = await AppServerClient.start(this.options(extra));
    this.#clients.push(client);
    return client;
  }

  /** The ids of the server processes that this stage has running. */
  async processes(): Promise<number[]> {
    return (await codexProcesses()).filter((pid) => !this.#strangers.has(pid));
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    const left = await this.processes();
    for (const pid of left) process.kill(pid, "SIGKILL");
    await this.model.close();
    await this.#directory.remove();
    if (left.length > 0) throw new Error(`${left.length} server processes were left behind`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The next notification of a method, from now on, that fits. */
export function next<M extends ServerNotificationMethod>(
  client: AppServerClient,
  method: M,
  fits: (params: ServerNotification<M>["params"]) => boolean = () => true,
): Promise<ServerNotification<M>["params"]> {
  return new Promise((resolve) => {
    const stop = client.on(method, ({ params }) => {
      if (!fits(params)) return;
      stop();
      resolve(params);
    });
  });
}

/**
 * Resolves when the model's next words on the thread have come to this client, and so all that the server said before
 * them. That the model has been asked does not tell that: its requests take another way.
 */
export async function heard(
  client: AppServerClient,
  { id }: { readonly id: string },
): Promise<void> {
  await next(client, "item/agentMessage/delta", ({ threadId }) => threadId === id);
}

/**
 * Holds an answer on the thread until the client has been told that a sub-agent has ended. That is told on another
 * thread, so nothing else puts it before the end of the turn.
 */
export function untilSubagentEnded(
  client: AppServerClient,
  { id }: { readonly id: string },
): HoldPart {
  const gate = reply.hold();
  void next(client, "turn/completed", ({ threadId }) => threadId !== id).then(() => {
    gate.release();
  });
  return gate;
}

/** What `promise` rejects with; it must reject. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error("it did not reject with an error", { cause: outcome });
}

/** The codex processes that this process has started. */
async function codexProcesses(): Promise<number[]> {
  const rows = process.platform === "linux" ? await readProc() : await askPs();
  return rows.flatMap(([pid, parent, name]) =>
    Number(parent) === process.pid && name.endsWith("codex") ? [Number(pid)] : [],
  );
}

type Row = readonly [pid: string, parent: string, name: string];

async function readProc(): Promise<Row[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(
    // A process may end between the two.
    pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")),
  );
  return stats.flatMap((stat) => {
    const [, pid = "", name = "", parent = ""] = /^(\d+) \((.*)\) \S (\d+)/s.exec(stat) ?? [];
    return pid === "" ? [] : [[pid, parent, name] as const];
  });
}

async function askPs(): Promise<Row[]> {
  const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,ppid=,comm="]);
  return stdout.split("\n").flatMap((line) => {
    const [, pid = "", parent = "", name = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === "" ? [] : [[pid, parent, name] as const];
  });
}
