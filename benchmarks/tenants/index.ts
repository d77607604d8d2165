/**
 * What tenants cost: `npm run bench:tenants -- [tenants] [servers]`, by default 20 and 5. Each tenant has a real server
 * with a directory of its own, and has one turn in each of two rounds: first with a place for all of them, then with as
 * many places as `servers` says, and last the tenants one after the other in a single place. Linux only: it reads
 * /proc.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CodexPool } from "codex-app-server-sdk/fleet";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";
import type { Thread } from "codex-app-server-sdk";
import { memoryOfServers, type Memory } from "./memory.js";

const [tenants = 20, servers = 5] = process.argv.slice(2).map(Number);
const keys = Array.from({ length: tenants }, (_, index) => `tenant-${index}`);

interface Stage {
  readonly pool: CodexPool;
  readonly threads: readonly Thread[];
}

const median = (times: readonly number[]): number =>
  [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** Each tenant has had a turn. */
async function begin(maxServers: number, homes: string, those: readonly string[]): Promise<Stage> {
  const { env, config } = await configFor(model);
  const shared = { ...env, CODEX_HOME: undefined, CODEX_SQLITE_HOME: undefined };
  const pool = new CodexPool({
    maxServers,
    waitMs: Infinity,
    idleMs: false,
    optionsFor: (key) => ({
      codexHome: path.join(homes, key),
      env: shared,
      config,
      startTimeoutMs: 120_000,
    }),
  });
  const start = async (key: string): Promise<Thread> => {
    const codex = await pool.get(key);
    const thread = await codex.startThread();
    await thread.run("Say hello.");
    return thread;
  };
  return { pool, threads: await Promise.all(those.map(start)) };
}

function report(what: string, ms: number, { count, rssMiB, pssMiB }: Memory): void {
  const memory = `${count} servers, ${rssMiB.toFixed(0)} MiB RSS, ${pssMiB.toFixed(0)} MiB PSS`;
  console.log(`${what}: ${(ms / 1_000).toFixed(2)} s; ${memory}`);
}

const model = await startLoopbackModel();
model.respond(() => reply.text("Hello."));
for (const places of [tenants, servers]) {
  const homes = await mkdtemp(path.join(tmpdir(), "bench-tenants-"));
  const { pool, threads } = await begin(places, homes, keys);
  const round = () => timed(() => Promise.all(threads.map((thread) => thread.run("Go on."))));
  for (const name of ["second", "third"]) {
    const ms = await round();
    report(`${tenants} tenants, ${places} places, ${name} round`, ms, await memoryOfServers());
  }
  await pool.close();
  await rm(homes, { recursive: true, force: true });
}

const homes = await mkdtemp(path.join(tmpdir(), "bench-tenants-"));
const { pool, threads } = await begin(1, homes, keys.slice(0, 5));
const evicted: number[] = [];
const live: number[] = [];
for (let round = 0; round < 3; round += 1) {
  for (const thread of threads) {
    evicted.push(await timed(() => thread.run("Go on.")));
    live.push(await timed(() => thread.run("Go on.")));
  }
}
console.log(
  `a turn of a tenant whose server was ended, and another one ended for it: ${median(evicted).toFixed(0)} ms; ` +
    `its next turn: ${median(live).toFixed(0)} ms (medians of ${evicted.length})`,
);
await pool.close();
await rm(homes, { recursive: true, force: true });
await model.close();
