import { execFile, spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { configArgs } from "../../../lib/runtime/config-args.js";
import { configFor, startLoopbackModel, type LoopbackModel } from "../../../lib/testing/index.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";

const apps = path.resolve(import.meta.dirname, "../../../examples/apps");

export type ChatUser = "ann" | "ben";

/**
 * A chat server of examples/apps without a page, in a process of its own: as it is, for it takes everything from the
 * server's configuration and from the directory that it is started in.
 */
export class ChatServer {
  readonly model: LoopbackModel;
  /** The directory that the agent works in. */
  readonly project: string;
  readonly url: string;
  /** What its users send as `authorization`. */
  readonly #tokens: ReadonlyMap<string, string>;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #directory: TempDir;

  static async start(app: string, entry: string): Promise<ChatServer> {
    const model = await startLoopbackModel();
    const directory = await makeTempDir();
    const { env, config } = await configFor(model);
    const lines = configArgs(config).filter((argument) => argument !== "-c");
    await writeFile(path.join(env["CODEX_HOME"] ?? "", "config.toml"), lines.join("\n"));
    const folder = path.join(apps, app);
    const tsx = createRequire(path.join(folder, "package.json")).resolve("tsx");
    const args = ["--import", pathToFileURL(tsx).href, path.join(folder, entry)];
    const child = spawn(process.execPath, args, {
      cwd: directory.path,
      env: { ...process.env, ...env, PORT: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    // It logs the errors of its requests, which are meant here.
    child.stderr.resume();
    const tokens = new Map<string, string>();
    let url = "";
    for await (const line of createInterface(child.stdout)) {
      const [, user = "", address = "", token = ""] =
        /^(\w+): (http:\S+) (Bearer \S+)$/.exec(line) ?? [];
      if (user !== "") tokens.set(user, token);
      url ||= address;
      if (tokens.size === 2) break;
    }
    if (tokens.size < 2) throw new Error(`${app}/${entry} did not start`);
    return new ChatServer(model, directory, child, url, tokens);
  }

  private constructor(
    model: LoopbackModel,
    directory: TempDir,
    child: ChildProcessByStdio<null, Readable, Readable>,
    url: string,
    tokens: ReadonlyMap<string, string>,
  ) {
    this.model = model;
    this.project = directory.path;
    this.url = url;
    this.#tokens = tokens;
    this.#directory = directory;
    this.#child = child;
    child.stdout.resume();
  }

  headersOf(user: ChatUser): Record<string, string> {
    return { authorization: this.#tokens.get(user) ?? "" };
  }

  /** Kills the app-server that it has started. */
  async killCodex(): Promise<void> {
    const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,ppid=,comm="]);
    const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/));
    const row = rows.find(
      ([, ppid, command]) => Number(ppid) === this.#child.pid && command?.includes("codex"),
    );
    if (!row) throw new Error("no app-server runs");
    process.kill(Number(row[0]), "SIGKILL");
  }

  /** Asks it to stop, as a platform does. Resolves when it is gone, with its exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      await gone;
    }
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.model.close();
    await this.#directory.remove();
  }
}
