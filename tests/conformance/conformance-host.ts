import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { compileProgram } from "../support/compile-program.js";
import { ScriptedServer } from "../support/scripted-server.js";
import { makeTempDir } from "../support/temp-dir.js";
import { type Facts, judge, usualLimitMs } from "./judge.js";
import type { Job, Report, Scenario } from "./scenario.js";

const program = new URL("host.ts", import.meta.url);

/** Beyond its own limit, what a scenario gets for looking at what is left of it (ms). */
const extraMs = 20_000;

export interface Verdict {
  /** What is wrong; nothing when the client did what it must. */
  readonly problems: readonly string[];
  readonly report: Report | undefined;
}

/** Runs scenarios, one at a time, in a host process; when one ends that, the next gets a new one. */
export class ConformanceHost implements AsyncDisposable {
  readonly #node: string;
  #host: ChildProcess | undefined;
  #stderr = "";

  /** `node` is the Node.js that the client runs in, by default this one. */
  constructor(node = process.env["CONFORMANCE_NODE"] ?? process.execPath) {
    this.#node = node;
  }

  async run(scenario: Scenario): Promise<Verdict> {
    await using server = await ScriptedServer.create(scenario.script);
    await using directory = await makeTempDir();
    const { options = {}, acts = [{ turn: "Hi" }], program } = scenario;
    const launch =
      program === undefined
        ? { launch: server.launch }
        : { codexPath: await makeProgram(program, directory.path) };
    const limitMs = scenario.expect.withinMs ?? usualLimitMs;
    const outcome = await this.#report({ launch, options, acts }, limitMs + extraMs);
    const facts: Facts = {
      ...outcome,
      received: await server.received(),
      alive: (await server.alive()).length,
    };
    return { problems: judge(scenario, facts), report: facts.report };
  }

  /** Lets the host go. Its exit code is 0 when nothing keeps it alive, and nothing has ended it. */
  async end(): Promise<{ exitCode: number | null; stderr: string }> {
    const host = this.#host;
    // There was none, or it has ended, which its scenario was told.
    if (!host) return { exitCode: 0, stderr: "" };
    this.#host = undefined;
    const exited = once(host, "exit");
    host.disconnect();
    const timer = setTimeout(() => host.kill("SIGKILL"), extraMs);
    await exited;
    clearTimeout(timer);
    return { exitCode: host.exitCode, stderr: this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #report(job: Job, limitMs: number): Promise<Pick<Facts, "broken" | "report">> {
    const host = (this.#host ??= await this.#start());
    const settled = new AbortController();
    const { signal } = settled;
    const timeout = new Promise<"timeout">((resolve) => {
      const timer = setTimeout(resolve, limitMs, "timeout");
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
      });
    });
    const message = once(host, "message", { signal }).then(([report]) => report as Report);
    const exit = once(host, "exit", { signal }).then(() => "exit" as const);
    for (const promise of [message, exit]) promise.catch(() => undefined);
    host.send(job);
    const first = await Promise.race([message, exit, timeout]);
    settled.abort();
    if (first === "exit") {
      this.#host = undefined;
      return { broken: `the host process ended: ${this.#stderr.trim() || String(host.exitCode)}` };
    }
    if (first === "timeout") {
      this.#host = undefined;
      host.kill("SIGKILL");
      await once(host, "exit");
      return { broken: `it had not ended after ${limitMs} ms` };
    }
    return { report: first };
  }

  async #start(): Promise<ChildProcess> {
    const args = ["--unhandled-rejections=strict", await compileProgram(program)];
    this.#stderr = "";
    const stdio = ["ignore", "ignore", "pipe", "ipc"] as const;
    const host = spawn(this.#node, args, { stdio: [...stdio], cwd: import.meta.dirname });
    host.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2_000);
    });
    return host;
  }
}

async function makeProgram(
  kind: NonNullable<Scenario["program"]>,
  directory: string,
): Promise<string> {
  const file = path.join(directory, "codex");
  if (kind === "not executable") await writeFile(file, "#!/bin/sh\n", { mode: 0o644 });
  if (kind === "of another machine") {
    // A 64-bit little-endian ELF header for SPARC.
    const header = Buffer.alloc(64);
    header.write("\u007fELF\u0002\u0001\u0001", "latin1");
    header.writeUInt16LE(43, 18);
    await writeFile(file, header, { mode: 0o755 });
  }
  return file;
}
