/**
 * What it costs to keep the streams of turns in Redis and in PostgreSQL: 50 streams, first without viewers, then with 200,
 * four on each, in the same process as the writer. The databases are real ones on this machine, with their writes on its
 * disk, and are measured as processes of their own.
 *
 *   npm run bench:fleet-streams -- [--events <count>] [--only redis|postgres]
 */
import { readFile, readdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import pg from "pg";
import { PostgresFleetStore, RedisFleetStore, type FleetStore } from "codex-app-server-sdk/fleet";
import type { StreamEvent } from "codex-app-server-sdk/http";
import { PostgresServer } from "../../tests/support/postgres-server.js";
import { RedisServer } from "../../tests/support/redis-server.js";

const { values } = parseArgs({
  options: { events: { type: "string", default: "1000" }, only: { type: "string" } },
});
const streams = 50;
const viewersOfEach = 4;
const perStream = Number(values.events);
const limits = { retainMs: 600_000, maxBytes: 4 * 1_048_576 };
const { signal } = new AbortController();

interface Backend {
  readonly open: () => FleetStore;
  /** The CPU time of the database so far (ms). */
  readonly cpuMs: () => Promise<number>;
  /** What the database holds (bytes). */
  readonly bytes: () => Promise<number>;
  readonly end: () => Promise<void>;
}

const backends: Readonly<Record<string, () => Promise<Backend>>> = {
  async redis() {
    const server = await RedisServer.start();
    const admin = new Redis(server.url);
    return {
      open: () => new RedisFleetStore({ redis: server.url }),
      cpuMs: () => cpuOf([server.pid]),
      bytes: async () => Number(/used_memory:(\d+)/.exec(await admin.info("memory"))?.[1]),
      end: async () => {
        await admin.quit();
        await server[Symbol.asyncDispose]();
      },
    };
  },
  async postgres() {
    const server = await PostgresServer.start();
    const client = new pg.Client(server.url);
    await client.connect();
    return {
      open: () => new PostgresFleetStore({ postgres: server.url, callTimeoutMs: 60_000 }),
      cpuMs: async () => cpuOf([server.pid, ...(await childrenOf(server.pid))]),
      bytes: async () => {
        const { rows } = await client.query<{ bytes: string }>(
          "select pg_database_size(current_database()) as bytes",
        );
        return Number(rows[0]?.bytes);
      },
      end: async () => {
        await client.end();
        await server[Symbol.asyncDispose]();
      },
    };
  },
};

for (const [name, start] of Object.entries(backends)) {
  if (values.only !== undefined && values.only !== name) continue;
  const backend = await start();
  console.log(`\n${name}: ${streams} streams of ${perStream} events of about 100 bytes`);
  await run(backend, "warm", { batch: 10, viewers: 0, count: 100 });
  for (const viewers of [0, viewersOfEach]) {
    for (const batch of [1, 10, 100]) {
      await run(backend, `${viewers}-${batch}`, { batch, viewers, count: perStream });
    }
  }
  await backend.end();
}

interface Load {
  readonly batch: number;
  readonly viewers: number;
  readonly count: number;
}

async function run(backend: Backend, name: string, { batch, viewers, count }: Load): Promise<void> {
  const [writing, reading] = [backend.open(), backend.open()];
  const ids = Array.from({ length: streams }, (_, index) => `${name}-${index}`);
  const facts = { owner: "ada", threadId: "thread" };
  await Promise.all(ids.map((id) => writing.streams.create(id, facts, limits)));
  const bytesBefore = await backend.bytes();
  const [cpuBefore, ownBefore, startedAt] = [
    await backend.cpuMs(),
    process.cpuUsage(),
    performance.now(),
  ];
  const seen = ids.flatMap((id) => Array.from({ length: viewers }, () => follow(reading, id)));
  await Promise.all(
    ids.map(async (id) => {
      for (let seq = 1; seq <= count; seq += batch) {
        const events = Array.from({ length: batch }, (_, index) => event(seq + index));
        await writing.streams.append(id, events);
      }
      await writing.streams.end(id);
    }),
  );
  const delivered = (await Promise.all(seen)).reduce((sum, each) => sum + each, 0);
  const seconds = (performance.now() - startedAt) / 1_000;
  const own = process.cpuUsage(ownBefore);
  const events = streams * count;
  const databaseUs = (1_000 * ((await backend.cpuMs()) - cpuBefore)) / events;
  const ownUs = (own.user + own.system) / events;
  const bytes = (await backend.bytes()) - bytesBefore;
  await Promise.all([writing.close(), reading.close()]);
  if (delivered !== events * viewers) throw new Error(`${delivered} events were delivered`);
  if (name === "warm") return;
  const figures = [
    `${viewers * streams} viewers, ${batch} at a time:`.padEnd(30),
    `${Math.round(events / seconds)} events/s stored`.padEnd(24),
    `${Math.round(delivered / seconds)} events/s delivered`.padEnd(27),
    `CPU of an event: ${ownUs.toFixed(0)} µs here, ${databaseUs.toFixed(0)} µs there;`.padEnd(46),
    `${(bytes / 1_048_576).toFixed(1)} MiB kept`,
  ];
  console.log(figures.join(" "));
}

async function follow(store: FleetStore, id: string): Promise<number> {
  let count = 0;
  let after = 0;
  for (;;) {
    const options = { maxBytes: 65_536, waitMs: 15_000, signal };
    const page = await store.streams.read(id, after, options);
    if (!page) throw new Error("the stream is gone");
    count += page.events.length;
    after = page.events.at(-1)?.seq ?? after;
    if (page.ended) return count;
  }
}

function event(seq: number): StreamEvent {
  const part = { type: "message-delta", id: "msg", delta: `${seq} ${"word ".repeat(10)}` };
  return { seq, type: part.type, data: JSON.stringify(part) };
}

/** The CPU time of these processes (ms), in steps of 10. */
async function cpuOf(pids: readonly number[]): Promise<number> {
  const times = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return 10 * (Number(fields[11] ?? 0) + Number(fields[12] ?? 0));
    }),
  );
  return times.reduce((sum, each) => sum + each, 0);
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const own = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      const [, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(ppid) === parent ? [pid] : [];
    }),
  );
  return own.flat();
}
