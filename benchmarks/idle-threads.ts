/**
 * How much memory the real server keeps for threads that nobody uses: `tsx benchmarks/idle-threads.ts [threads]`.
 * It uses that many threads for one turn each, waits until the client has let go of them, and does both once more;
 * and the same with a client that keeps all of them. Linux only: it reads /proc.
 */
import { readdir, readFile } from "node:fs/promises";
import { Codex } from "../lib/index.js";
import { configFor, reply, startLoopbackModel } from "../lib/testing/index.js";

const count = Number(process.argv[2] ?? 300);
const atOnce = 8;
const unsubscribeIdleMs = 2_000;

for (const idle of [false, unsubscribeIdleMs] as const) {
  const model = await startLoopbackModel();
  model.respond(() => reply.text("Hello."));
  const codex = new Codex({
    // Unless told otherwise, the server unloads a thread a minute after its last subscriber has gone.
    ...(await configFor(model, { config: { thread_unload_delay_secs: 0 } })),
    unsubscribeIdleMs: idle,
  });
  await codex.ready();
  const pid = await serverProcess();
  const tell = async (when: string): Promise<void> => {
    const loaded = await codex.loadedThreads().all();
    const mib = (await residentKiB(pid)) / 1_024;
    console.log(
      `unsubscribeIdleMs ${idle}: ${when}: ${mib.toFixed(0)} MiB, ${loaded.length} loaded`,
    );
  };
  await tell("after the start");
  for (const round of [1, 2]) {
    await useThreads(codex);
    await tell(`after ${round * count} threads`);
    if (idle === false) continue;
    while ((await codex.loadedThreads().all()).length > 0) await pause(250);
    await tell("with all of them unused");
  }
  await codex.close();
  await model.close();
}

async function useThreads(codex: Codex): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const thread = await codex.startThread();
      await thread.run("Say hello.");
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function serverProcess(): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const [, name = "", parent = ""] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat) ?? [];
    if (name.endsWith("codex") && Number(parent) === process.pid) return Number(pid);
  }
  throw new Error("There is no server process: this script needs Linux.");
}

async function residentKiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
