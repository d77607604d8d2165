import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FleetProcessSettings } from "./fleet-process.js";

const program = fileURLToPath(new URL("fleet-process.ts", import.meta.url));

/** A worker or a web process of a fleet, which can be killed, stopped, and started again. */
export class FleetChild {
  readonly role: FleetProcessSettings["role"];
  readonly #settings: FleetProcessSettings;
  #process: ChildProcess | undefined;
  /** The end of what it has said, restarts included. */
  said = "";

  constructor(settings: FleetProcessSettings) {
    this.#settings = settings;
    this.role = settings.role;
  }

  async start(): Promise<void> {
    const args = ["--import", "tsx", program, JSON.stringify(this.#settings)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.said = (this.said + text).slice(-20_000);
    });
    const failed = once(child, "exit").then(() => {
      throw new Error(`the ${this.role} did not start:\n${this.said}`);
    });
    await Promise.race([once(child.stdout, "data"), failed]);
    failed.catch(() => undefined);
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
}
