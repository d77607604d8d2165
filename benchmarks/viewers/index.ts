/**
 * What it costs to show turns to browsers: 200 viewers on 50 turns, one of them reading 1 kB/s. It compares the
 * CPU time of this process with that of `for await` over the same turns, for each event of the server, and with
 * that of the writes to the viewers' connections alone. The app-server and the viewers are processes of their own,
 * and do not count.
 *
 *   npm run bench:viewers -- [--quick] [--deltas <count>] [--pause <ms>]
 */
import { execFile } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { AppServerClient, type Turn } from "codex-app-server-sdk";
import { MemoryStreamStore, TurnStreams } from "codex-app-server-sdk/http";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    deltas: { type: "string" },
    pause: { type: "string", default: "20" },
  },
});
const turns = 50;
const viewers = 200;
const deltas = Number(values.deltas ?? (values.quick ? 200 : 1_000));
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What was written to all viewers of the last run. */
const writes = { count: 0, bytes: 0 };

interface Cost {
  readonly cpuMs: number;
  readonly ms: number;
  readonly check: string;
}

for (const pauseMs of [Number(values.pause), 0]) {
  const pace = pauseMs === 0 ? "as fast as it goes" : `one delta every ${pauseMs} ms in each`;
  const events = turns * deltas;
  console.log(
    `\n${turns} turns of ${deltas} deltas, ${pace}; CPU time for each event of the server`,
  );
  // The first run compiles the code.
  await measured(pauseMs, 50, iterate);
  const alone = await measured(pauseMs, deltas, iterate);
  const shown = await measured(pauseMs, deltas, show);
  const written = await writeAlone(shown.ms);
  const costs = { "for await": alone, "200 viewers": shown, "their writes": written };
  for (const [name, cost] of Object.entries(costs)) {
    const each = ((1_000 * cost.cpuMs) / events).toFixed(1);
    console.log(`${name.padEnd(12)} ${each.padStart(7)} µs   ${cost.check}`);
  }
  console.log(`factor       ${(shown.cpuMs / alone.cpuMs).toFixed(2).padStart(7)}`);
  const each = (1_000 * shown.cpuMs) / (events * (viewers / turns));
  console.log(`for each event that a viewer gets ${each.toFixed(1)} µs`);
}

/** Starts the turns, and tells what `work` costs. */
async function measured(
  pauseMs: number,
  count: number,
  work: (turns: readonly Turn[]) => Promise<string>,
): Promise<Cost> {
  const args = [script("paced-server.mjs"), String(count), String(pauseMs)];
  const client = await AppServerClient.start({ launch: { command: process.execPath, args } });
  const threads = await Promise.all(Array.from({ length: turns }, () => client.startThread()));
  const [before, start] = [process.cpuUsage(), performance.now()];
  const check = await work(threads.map((thread) => thread.turn("Why does the build fail?")));
  const { user, system } = process.cpuUsage(before);
  const ms = performance.now() - start;
  await client.close();
  return { cpuMs: (user + system) / 1_000, ms, check };
}

async function iterate(all: readonly Turn[]): Promise<string> {
  const texts = await Promise.all(
    all.map(async (turn) => {
      let characters = 0;
      for await (const event of turn) {
        if (event.method === "item/agentMessage/delta") characters += event.params.delta.length;
      }
      return characters;
    }),
  );
  return `${Math.min(...texts)} characters of each turn`;
}

async function show(all: readonly Turn[]): Promise<string> {
  const store = new MemoryStreamStore();
  const streams = new TurnStreams({ authorize: () => true, store });
  writes.count = 0;
  writes.bytes = 0;
  const { server, url } = await listen((request, response) => {
    countWrites(response);
    void streams.pipe(request, response, (request.url ?? "").slice(1));
  });
  const ids = all.map((turn) => streams.add(turn, { owner: "ada" }));
  let peakStore = 0;
  const watch = setInterval(() => (peakStore = Math.max(peakStore, store.bytes)), 100);
  const stdout = await runViewers(url, ids);
  clearInterval(watch);
  await streams.close();
  server.close();
  const rss = process.resourceUsage().maxRSS / 1_024;
  return `${stdout.trim()}, ${(peakStore / 1_048_576).toFixed(0)} MiB kept, ${rss.toFixed(0)} MiB at most`;
}

function countWrites(response: ServerResponse): void {
  const write = response.write.bind(response) as (chunk: Uint8Array) => boolean;
  response.write = (chunk: Uint8Array) => {
    writes.count += 1;
    writes.bytes += chunk.length;
    return write(chunk);
  };
}

/** As many writes as the last run has made, as long ones, to as many viewers, in the same time. Nothing else. */
async function writeAlone(ms: number): Promise<Cost> {
  const responses: ServerResponse[] = [];
  let allThere: () => void = () => undefined;
  const there = new Promise<void>((resolve) => (allThere = resolve));
  const { server, url } = await listen((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    if (responses.push(response) === viewers) allThere();
  });
  const read = runViewers(url, ["writes"]);
  await there;
  const rounds = Math.round(writes.count / viewers);
  const chunk = Buffer.from(`:${"x".repeat(Math.round(writes.bytes / writes.count) - 3)}\n\n`);
  const before = process.cpuUsage();
  const groups = Array.from({ length: turns }, (_, turn) =>
    responses.filter((_response, index) => index % turns === turn),
  );
  await Promise.all(
    groups.map(async (group) => {
      for (let round = 0; round < rounds; round += 1) {
        for (const response of group) response.write(chunk);
        await pause(ms / rounds);
      }
    }),
  );
  const { user, system } = process.cpuUsage(before);
  for (const response of responses) response.end();
  await read;
  server.close();
  const check = `${writes.count} of ${chunk.length} bytes`;
  return { cpuMs: (user + system) / 1_000, ms, check };
}

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}` };
}

/** Runs the viewers in a process of their own; tells what they have got. */
async function runViewers(url: string, ids: readonly string[]): Promise<string> {
  const args = [script("clients.mjs"), String(viewers), url, ...ids];
  return (await promisify(execFile)(process.execPath, args)).stdout;
}
