import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { configFor, startLoopbackModel, type LoopbackModel } from "../../../lib/testing/index.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";

const apps = path.resolve(import.meta.dirname, "../../../examples/apps");

/** An application of examples/apps in a process of its own, on the real server and a loopback model. */
export class RunningApp {
  readonly model: LoopbackModel;
  readonly project: string;
  /** What it has printed: the address for each of its users, by their names. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  readonly #directory: TempDir;

  /** Starts it for Ann and Ben; it asks before each command. */
  static async start(name: string): Promise<RunningApp> {
    const model = await startLoopbackModel();
    const directory = await makeTempDir();
    const env = {
      ...process.env,
      PORT: "0",
      USERS: "ann,ben",
      PROJECT: directory.path,
      CODEX_OPTIONS: JSON.stringify(await configFor(model)),
      THREAD_OPTIONS: JSON.stringify({
        approvalPolicy: "untrusted",
        sandbox: "danger-full-access",
      }),
    };
    const cwd = path.join(apps, name);
    const args = ["--import", "tsx", "server.ts"];
    const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
    const addresses = new Map<string, string>();
    for await (const line of createInterface(child.stdout)) {
      const [, user, address] = /^(\w+): (http:\S+)$/.exec(line) ?? [];
      if (user !== undefined && address !== undefined) addresses.set(user, address);
      if (addresses.size === 2) break;
    }
    if (addresses.size < 2) throw new Error(`${name} did not start`);
    return new RunningApp(model, directory, child, addresses);
  }

  private constructor(
    model: LoopbackModel,
    directory: TempDir,
    child: ChildProcessByStdio<null, Readable, null>,
    addresses: ReadonlyMap<string, string>,
  ) {
    this.model = model;
    this.project = directory.path;
    this.addresses = addresses;
    this.#directory = directory;
    this.#child = child;
    // What it prints later has to go somewhere.
    child.stdout.resume();
  }

  addressOf(user: "ann" | "ben"): string {
    return this.addresses.get(user) ?? "";
  }

  /** Asks it to stop, as a platform does. Resolves when it is gone, with its exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGTERM");
      await once(this.#child, "exit");
    }
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.model.close();
    await this.#directory.remove();
  }
}
