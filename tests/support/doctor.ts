import { spawn, type ChildProcess } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { Finding } from "../../lib/doctor/finding.js";
import { compileProgram } from "./compile-program.js";
import { configArgs } from "./raw-client.js";
import { untilGone } from "./processes.js";
import { RealStage } from "./real.js";

const sources = new URL("../../lib/cli/index.ts", import.meta.url);

/** The document that `doctor --json` prints. */
export interface Report {
  readonly sdkVersion: string;
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
}

export interface DoctorRun {
  readonly env?: NodeJS.ProcessEnv;
  /** The beginning of the command line: what starts the doctor. */
  readonly before?: readonly string[];
  /** The built program, in place of the sources. It starts by itself. */
  readonly program?: string;
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let runs = 0;

/** A doctor that runs. Everything that it starts is known by a mark in its environment. */
export class RunningDoctor {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  readonly #mark: string;

  static async start(
    args: readonly string[],
    { env = process.env, before = [], program }: DoctorRun = {},
  ): Promise<RunningDoctor> {
    const start = program ? [program] : [process.execPath, await compileProgram(sources)];
    const mark = `${process.pid}-${(runs += 1)}`;
    const [command = "", ...rest] = [...before, ...start, "doctor", ...args];
    const stdio = ["ignore", "pipe", "pipe"] as const;
    const child = spawn(command, rest, {
      stdio: [...stdio],
      env: { ...env, DOCTOR_MARK: mark },
    });
    return new RunningDoctor(child, mark);
  }

  private constructor(child: ChildProcess, mark: string) {
    this.child = child;
    this.#mark = mark;
    const { stdout, stderr } = child;
    if (!stdout || !stderr) throw new Error("the doctor has no output");
    const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
    this.outcome = Promise.all([exited, text(stdout), text(stderr)]).then(
      ([code, shown, remarks]) => ({ code, stdout: shown, stderr: remarks }),
    );
  }

  /** The processes that it has started, at this moment; known on Linux only. */
  async started(): Promise<number[]> {
    const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
    const wanted = `DOCTOR_MARK=${this.#mark}\0`;
    const marked = await Promise.all(
      pids.map(async (pid) => {
        const env = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
        return env.includes(wanted) && Number(pid) !== this.child.pid ? [Number(pid)] : [];
      }),
    );
    return marked.flat();
  }

  /** Resolves with what it printed when it has ended, and all that it had started. */
  async end(): Promise<Outcome> {
    const outcome = await this.outcome;
    for (const pid of await this.started()) await untilGone(pid);
    return outcome;
  }
}

/** The doctor on the real server: with a home of its own, whose config.toml leads to a scripted model. */
export class DoctorStage implements AsyncDisposable {
  readonly real: RealStage;

  private constructor(real: RealStage) {
    this.real = real;
  }

  static async open(): Promise<DoctorStage> {
    return new DoctorStage(await RealStage.open());
  }

  get home(): string {
    return this.real.home;
  }

  /** An environment in which a bare `new Codex()` runs on the home. */
  get env(): NodeJS.ProcessEnv {
    const proxies = /^(https?|all)_proxy$|^(SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS)$/i;
    const own = Object.entries(process.env).filter(([name]) => !proxies.test(name));
    return { ...Object.fromEntries(own), ...this.real.options().env };
  }

  /** Writes config.toml: that of the scripted model, with these keys over it. */
  async configure(more: object = {}): Promise<void> {
    const args = configArgs({ ...this.real.options().config, ...more });
    await this.writeConfig(args.filter((argument) => argument !== "-c").join("\n"));
  }

  async writeConfig(toml: string): Promise<void> {
    await writeFile(path.join(this.home, "config.toml"), `${toml}\n`);
  }

  start(args: readonly string[], run: DoctorRun = {}): Promise<RunningDoctor> {
    return RunningDoctor.start(args, { ...run, env: { ...this.env, ...run.env } });
  }

  /** Runs it to its end. */
  async run(args: readonly string[], run: DoctorRun = {}): Promise<Outcome> {
    return (await this.start(args, run)).end();
  }

  /** Runs it with `--json`, and reads what it says. */
  async report(
    args: readonly string[] = [],
    run: DoctorRun = {},
  ): Promise<{ code: number | null; report: Report; of: (name: string) => Finding }> {
    const { code, stdout, stderr } = await this.run(["--json", ...args], run);
    if (stderr !== "") throw new Error(`the doctor wrote to stderr: ${stderr}`);
    const report = JSON.parse(stdout) as Report;
    const of = (name: string): Finding => {
      const finding = report.findings.find((each) => each.name === name);
      if (!finding) throw new Error(`there is no finding on ${name}: ${stdout}`);
      return finding;
    };
    return { code, report, of };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.real.close();
  }
}
