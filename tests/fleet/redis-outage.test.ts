import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { RedisFleetStore } from "../../lib/fleet/index.js";
import type { StreamEvent } from "../../lib/http/index.js";
import { freePort } from "../support/free-port.js";
import { follow, persist } from "../support/persist.js";
import { RedisServer } from "../support/redis-server.js";
import {
  appendOutput,
  event,
  facts,
  firstCommands,
  limits,
  losesNothing,
  outputText,
  rejectsWhileAway,
  twoHundredViewers,
} from "../support/store-outages.js";

let running: AbortController;

let server: RedisServer;
const opened: RedisFleetStore[] = [];

beforeEach(async () => {
  running = new AbortController();
  server = await RedisServer.start();
});
afterEach(async () => {
  running.abort();
  await Promise.all(opened.splice(0).map((store) => store.close()));
  await server[Symbol.asyncDispose]();
});

function open(options: { callTimeoutMs?: number; redis?: string } = {}): RedisFleetStore {
  const store = new RedisFleetStore({ redis: server.url, ...options });
  opened.push(store);
  return store;
}

test("a Redis that is killed and comes back has lost nothing that was told to be stored", async () => {
  const killsAt = (seq: number): boolean => seq % 500 === 251;
  await losesNothing([open(), open()], server, { events: 2_000, killsAt }, running.signal);
});

test("while Redis is away calls reject soon, and say whether they were sent", async () => {
  await rejectsWhileAway(open({ callTimeoutMs: 300 }), server, running.signal);
});

test("a Redis that hangs fails calls within their time", async () => {
  const store = open({ callTimeoutMs: 300 });
  await persist(() => store.note("job", "any", 1), running.signal);
  process.kill(server.pid, "SIGSTOP");
  const failed: unknown = await store.noteOf("job", "any").catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "STORE_UNAVAILABLE", sent: true });
  process.kill(server.pid, "SIGCONT");
  expect(await persist(() => store.noteOf("job", "any"), running.signal)).toBe(1);
});

test("a Redis that was never there fails the first call, and closing leaves nothing", async () => {
  const redis = `redis://127.0.0.1:${await freePort()}`;
  const store = open({ redis, callTimeoutMs: 200 });
  await expect(store.hosts()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", sent: false });
  await store.close();
});

test("connections that are cut come back, and what waited hears of what it missed", async () => {
  const proxy = await CuttingProxy.start(server.port);
  const [cut, whole] = [open({ redis: proxy.url }), open()];
  await whole.streams.create("job", facts, limits);
  const seen = follow(cut, "job", running.signal);
  const commands = firstCommands(cut, running.signal);
  for (let seq = 1; seq <= 60; seq += 1) {
    await whole.streams.append("job", [event(seq)]);
    if (seq % 20 === 0) await proxy.cut();
  }
  // While nobody hears of it.
  await proxy.cut();
  await whole.send("job", { type: "interrupt" });
  await whole.streams.end("job");
  expect(await seen).toHaveLength(60);
  expect(await commands).toHaveLength(1);
  await cut.close();
  await proxy.stop();
});

test("two hundred who wait share one connection", async () => {
  const [writing, reading] = [open(), open()];
  const admin = new Redis(server.url);
  const before = await clients(admin);
  const { ids, end } = await twoHundredViewers(writing, reading, running.signal);
  const channels = async () => ((await admin.pubsub("CHANNELS", "*")) as string[]).length;
  while ((await channels()) < ids.length);
  // One for the calls of each store, and one that hears of news.
  expect((await clients(admin)) - before).toBe(3);
  await end();
  await reading.close();
  while ((await clients(admin)) > before + 1);
  await admin.quit();
});

test("twenty thousand events stay within the bytes of their stream", async () => {
  const store = open();
  const admin = new Redis(server.url);
  const maxBytes = 500_000;
  await store.streams.create("job", facts, { ...limits, maxBytes });
  await appendOutput(store, 20_000);
  const key = "codex-fleet:{job:job}:events";
  const bytes = Number(await admin.call("MEMORY", "USAGE", key, "SAMPLES", "0"));
  expect(bytes).toBeLessThan(2 * maxBytes);
  const seen: StreamEvent[] = [];
  while (seen.at(-1)?.seq !== 20_000) {
    const options = { maxBytes: 65_536, waitMs: 0, signal: running.signal };
    const page = await store.streams.read("job", seen.at(-1)?.seq ?? 0, options);
    seen.push(...(page?.events ?? []));
  }
  const [first] = seen;
  expect(first?.type).toBe("gap");
  expect(JSON.parse(first?.data ?? "")).toEqual({ type: "gap", ids: ["call"] });
  // Nothing of what came last is missing.
  const text = seen
    .map(({ data }) => (JSON.parse(data) as { delta?: string }).delta ?? "")
    .join("");
  const last = Array.from({ length: 1_000 }, (_, index) => outputText(19_001 + index)).join("");
  expect(text.endsWith(last)).toBe(true);
  await admin.quit();
});

test("nothing is kept for ever, and what is written renews its time", async () => {
  const keep = { keepSilentStreamsMs: 100_000, keepJobsMs: 200_000, keepThreadsMs: 300_000 };
  const store = new RedisFleetStore({ redis: server.url, prefix: "short", ...keep });
  opened.push(store);
  await store.streams.create("job", facts, limits);
  await store.streams.append("job", [event(1)]);
  await store.streams.ownThread("thread", "ada");
  await store.mark("job", { holder: "me", threadId: "thread", messageId: "m" });
  await store.send("job", { type: "interrupt" });
  await store.joinLine("thread", "job");
  await store.settleThread("thread", "host");
  await store.hostIsAlive("host", 50_000);
  const admin = new Redis(server.url);
  const left = async () => {
    const keys = (await admin.keys("*")).sort();
    const times = await Promise.all(keys.map(async (key) => [key, await admin.pttl(key)] as const));
    return new Map(times);
  };
  const times = await left();
  expect(times.size).toBe(8);
  for (const ms of times.values()) expect(ms).toBeGreaterThan(0);
  await Promise.all([...times.keys()].map((key) => admin.pexpire(key, 10_000)));
  await store.streams.append("job", [event(2)]);
  await store.note("job", "any", 1);
  const renewed = await left();
  expect(renewed.get("short:{job:job}:events")).toBeGreaterThan(10_000);
  expect(renewed.get("short:{job:job}:stream")).toBeGreaterThan(10_000);
  expect(renewed.get("short:{job:job}:state")).toBeGreaterThan(10_000);
  await store.streams.end("job");
  expect(await admin.pttl("short:{job:job}:events")).toBeLessThanOrEqual(limits.retainMs);
  await admin.quit();
});

async function clients(admin: Redis): Promise<number> {
  const list = (await admin.client("LIST")) as string;
  return list.trim().split("\n").length;
}

/** Stands before a Redis, and cuts all connections that go through it. */
class CuttingProxy {
  readonly url: string;
  readonly #sockets = new Set<Socket>();
  readonly #listener: ReturnType<typeof createServer>;

  private constructor(listener: ReturnType<typeof createServer>, sockets: Set<Socket>) {
    const { port } = listener.address() as { port: number };
    this.url = `redis://127.0.0.1:${port}`;
    this.#listener = listener;
    this.#sockets = sockets;
  }

  static async start(port: number): Promise<CuttingProxy> {
    const sockets = new Set<Socket>();
    const listener = createServer((near) => {
      const far = connect(port, "127.0.0.1");
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(one);
        one.on("error", () => undefined);
        one.on("close", () => {
          sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return new CuttingProxy(listener, sockets);
  }

  async cut(): Promise<void> {
    const closing = [...this.#sockets].map(async (socket) => {
      if (socket.closed) return;
      const closed = once(socket, "close");
      socket.destroy();
      await closed;
    });
    await Promise.all(closing);
  }

  async stop(): Promise<void> {
    this.#listener.close();
    await this.cut();
  }
}
