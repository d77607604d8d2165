import { spawn } from "node:child_process";
import { once } from "node:events";
import { Codex } from "../../lib/index.js";
import { compileProgram } from "../support/compile-program.js";
import { CuttingProxy } from "../support/cutting-proxy.js";
import { takeCensus, type Census } from "./census.js";
import { lossWays, type Loss } from "./loss-ways.js";
import { measure } from "./measure.js";
import type { SoakReport } from "./run-soak.js";

export interface LossOptions {
  /** How many turns there are after the warm-up; of some the server is lost in the middle. */
  readonly turns: number;
  /** Keeps the clients of lost servers, to see that it is noticed. */
  readonly leak?: boolean;
}

const server = new URL("server.ts", import.meta.url);

/** A server process that dies again and again, and is replaced. */
export async function runDeaths(options: LossOptions): Promise<SoakReport> {
  const script = await compileProgram(server);
  const restart = { retries: 1_000_000, minDelayMs: 0, maxDelayMs: 0 };
  await using codex = new Codex({ launch: { command: process.execPath, args: [script] }, restart });
  return await runLosses(codex, options, "dead", async () => {
    const thread = await codex.startThread();
    await thread.run("die").catch(() => undefined);
  });
}

/** A connection to a server that lives on, which is cut again and again, and made anew. */
export async function runCuts(options: LossOptions): Promise<SoakReport> {
  const script = await compileProgram(server);
  const child = spawn(process.execPath, [script, "--listen"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  try {
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    await using proxy = await CuttingProxy.start({ host: "127.0.0.1", port: Number(port) });
    const reconnect = { retries: Infinity, minDelayMs: 1, maxDelayMs: 1 };
    await using codex = new Codex({ url: proxy.url, reconnect });
    return await runLosses(codex, options, "back", () => {
      proxy.cut();
      return Promise.resolve();
    });
  } finally {
    child.stdin.end();
    await exited;
  }
}

/** In each round turns of all ways are begun, the server is lost, and everybody goes on. */
async function runLosses(
  codex: Codex,
  { turns, leak = false }: LossOptions,
  loss: Loss,
  lose: () => Promise<void>,
): Promise<SoakReport> {
  const { signal } = new AbortController();
  const taken = new Map<string, number>();
  const kept: unknown[] = [];
  let [begun, threads] = [0, 0];

  const round = async (): Promise<void> => {
    const stages = await Promise.all(
      Object.entries(lossWays).map(async ([name, begin]) => {
        const thread = await codex.startThread({ approvalPolicy: "untrusted" });
        taken.set(name, (taken.get(name) ?? 0) + 1);
        return { name, thread, end: await begin({ codex, thread, signal }) };
      }),
    );
    begun += stages.length;
    threads += stages.length;
    if (leak) kept.push(await codex.client());
    await lose();
    for (const { name, thread, end } of stages) {
      await end(loss).catch((error: unknown) => {
        throw new Error(`What was "${name}" went wrong.`, { cause: error });
      });
      await thread.run("say", { signal });
      await thread.unsubscribe();
    }
  };
  const workUntil = async (until: number): Promise<Census> => {
    while (begun < until) await round();
    return takeCensus(await codex.client(), signal);
  };

  const measured = await measure(turns, 2 * Object.keys(lossWays).length, workUntil);
  return { ...measured, threads, ways: Object.fromEntries(taken) };
}
