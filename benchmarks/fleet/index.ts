/**
 * How many turns a fleet runs: `npm run bench:fleet -- [turns] [threads]`, by default 200 and 50, with 1, 2 and 4 workers
 * of 8 places each, over one real app-server, one Redis (`redis-server`) and the loopback model, whose answers come at
 * once. The same turns without a fleet, by handles on the same server, show what the server itself takes.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { Codex } from "codex-app-server-sdk";
import { RedisFleetStore, TurnQueue } from "codex-app-server-sdk/fleet";
import { reply } from "codex-app-server-sdk/testing";
import { ListeningServer } from "../../tests/support/listening-server.js";
import { RealStage } from "../../tests/support/real.js";
import { RedisServer } from "../../tests/support/redis-server.js";

const [turns = 200, threads = 50] = process.argv.slice(2).map(Number);
const program = fileURLToPath(new URL("worker.ts", import.meta.url));
const places = 8;

interface Row {
  readonly name: string;
  readonly perSecond: number;
  readonly firstMs: number;
  /** Commands that Redis has carried out for each turn, those within scripts included. */
  readonly calls: number;
}

async function startWorker(port: number, url: string): Promise<ChildProcess> {
  const args = ["--import", "tsx", program, String(port), url, String(places)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

async function withFleet(workers: number): Promise<Row> {
  await using redis = await RedisServer.start();
  await using stage = await RealStage.open();
  stage.model.respond(() => reply.text("Hello."));
  await using server = await ListeningServer.start(stage);
  const store = new RedisFleetStore({ redis: redis.url });
  const queue = new TurnQueue({ store, connection: { host: "127.0.0.1", port: redis.port } });
  const children = await Promise.all(
    Array.from({ length: workers }, () => startWorker(redis.port, server.url)),
  );
  const newThread = { cwd: stage.project };
  const one = performance.now();
  await (await queue.add({ newThread, input: "Say hello." })).result();
  const firstMs = performance.now() - one;
  const ids = await Promise.all(
    Array.from({ length: threads }, async () => {
      const job = await queue.add({ newThread, input: "Say hello." });
      return (await job.result()).threadId;
    }),
  );
  const client = new Redis(redis.port);
  const before = await callsOf(client);
  const began = performance.now();
  const jobs = await Promise.all(
    Array.from({ length: turns }, (_, index) => {
      return queue.add({ thread: ids[index % threads], input: "Go on." });
    }),
  );
  await Promise.all(jobs.map((job) => job.result()));
  const perSecond = turns / ((performance.now() - began) / 1_000);
  const calls = ((await callsOf(client)) - before) / turns;
  client.disconnect();
  for (const child of children) {
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  }
  await queue.close();
  await store.close();
  return { name: `${workers} worker${workers > 1 ? "s" : ""}`, perSecond, firstMs, calls };
}

async function callsOf(client: Redis): Promise<number> {
  const stats = await client.info("commandstats");
  return [...stats.matchAll(/calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

async function withoutFleet(): Promise<Row> {
  await using stage = await RealStage.open();
  stage.model.respond(() => reply.text("Hello."));
  await using server = await ListeningServer.start(stage);
  await using codex = new Codex({ url: server.url });
  const one = performance.now();
  await (await codex.startThread({ cwd: stage.project })).run("Say hello.");
  const firstMs = performance.now() - one;
  const handles = await Promise.all(
    Array.from({ length: threads }, async () => {
      const thread = await codex.startThread({ cwd: stage.project });
      await thread.run("Say hello.");
      return thread;
    }),
  );
  const began = performance.now();
  await Promise.all(
    Array.from({ length: turns }, async (_, index) => handles[index % threads]?.run("Go on.")),
  );
  const perSecond = turns / ((performance.now() - began) / 1_000);
  return { name: "no fleet, one client", perSecond, firstMs, calls: 0 };
}

console.log(
  "|                      | turns a second | a first turn (ms) | Redis commands a turn |",
);
console.log(
  "| -------------------- | -------------: | ----------------: | --------------------: |",
);
for (const measure of [withoutFleet, ...[1, 2, 4].map((count) => () => withFleet(count))]) {
  const { name, perSecond, firstMs, calls } = await measure();
  console.log(
    `| ${name.padEnd(20)} | ${perSecond.toFixed(1).padStart(14)} | ${firstMs.toFixed(0).padStart(17)} | ${calls.toFixed(0).padStart(21)} |`,
  );
}
