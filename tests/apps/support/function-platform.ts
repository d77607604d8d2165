import { fork, type ChildProcess } from "node:child_process";
import { on, once } from "node:events";
import type { FunctionAnswer } from "../../../examples/apps/serverless/platform.js";
import { compileProgram } from "../../support/compile-program.js";
import { childrenOf, untilGone } from "../../support/processes.js";
import type { Invocation, Told } from "./function-host.js";

const host = new URL("function-host.ts", import.meta.url);
/** Root may write wherever it wants, and gives that up. */
const plainly =
  process.geteuid?.() === 0 ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : [];

/** What a request of a user's brings; of nobody's without one. */
export interface Asked {
  readonly user?: string;
  readonly body: unknown;
  /** After how long the platform ends the process (ms; default one minute). */
  readonly limitMs?: number;
}

/** One process of a function, without the right to write where it lies. */
export class FunctionProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  /** @param env all of its environment. */
  static async start(
    bundle: string,
    cwd: string,
    env: Readonly<Record<string, string>>,
  ): Promise<FunctionProcess> {
    const program = [process.execPath, await compileProgram(host)];
    const [execPath = "", ...execArgv] = [...plainly, ...program.slice(0, 1)];
    return new FunctionProcess(
      fork(program[1] ?? "", [bundle], { cwd, env: { ...env }, execPath, execArgv }),
    );
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Invokes the handler that answers at once, with what is left of the limit (ms). */
  async invoke(asked: Asked): Promise<FunctionAnswer & { readonly leftMs: number }> {
    for await (const told of this.#told("plain", asked)) {
      if (told.type === "done" && told.answer) return { ...told.answer, leftMs: told.leftMs };
    }
    throw new Error("The function has not answered.");
  }

  /** Invokes the handler that streams. Nothing else is invoked before it is done. */
  async *stream(asked: Asked): AsyncGenerator<Told> {
    yield* this.#told("stream", asked);
  }

  async *#told(kind: Invocation["kind"], { user, body, limitMs = 60_000 }: Asked) {
    const event = {
      body: JSON.stringify(body),
      requestContext: user === undefined ? {} : { authorizer: { jwt: { claims: { sub: user } } } },
    };
    const messages = on(this.#child, "message", { close: ["exit"] });
    this.#child.send({ kind, event, limitMs } satisfies Invocation);
    for await (const [message] of messages) {
      const told = message as Told;
      yield told;
      if (told.type === "done") return;
    }
    throw new Error("The platform has ended the process.");
  }

  /** The app-servers that it has started. */
  appServers(): Promise<number[]> {
    return childrenOf(this.#child.pid ?? 0);
  }

  /** Stops it and its app-servers for some time, as a platform does between invocations. */
  async freeze(during: () => Promise<unknown>): Promise<void> {
    const all = [this.#child.pid ?? 0, ...(await this.appServers())];
    for (const pid of all) process.kill(pid, "SIGSTOP");
    try {
      await during();
    } finally {
      for (const pid of all) process.kill(pid, "SIGCONT");
    }
  }

  /** Ends it as a platform does: without a word. */
  async [Symbol.asyncDispose](): Promise<void> {
    const servers = await this.appServers();
    const exited = once(this.#child, "exit");
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill("SIGKILL");
      await exited;
    }
    for (const pid of servers) await untilGone(pid);
  }
}
