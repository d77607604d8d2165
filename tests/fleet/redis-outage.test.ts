import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { RedisFleetStore } from "../../lib/fleet/index.js";
import type { StreamEvent } from "../../lib/http/index.js";
import { freePort } from "../support/free-port.js";
import { follow, persist } from "../support/persist.js";
import { RedisServer } from "../support/redis-server.js";

const limits = { retainMs: 60_000, maxBytes: 1_048_576 };
const facts = { owner: "ada", threadId: "thread" };
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

function event(seq: number): StreamEvent {
  return { seq, type: "warning", data: JSON.stringify({ type: "warning", message: String(seq) }) };
}

test("a Redis that is killed and comes back has lost nothing that was told to be stored", async () => {
  const [writing, reading] = [open(), open()];
  await writing.streams.create("job", facts, limits);
  await writing.mark("job", { holder: "me", threadId: "thread", messageId: "m" });
  const seen = follow(reading, "job", running.signal);
  const waiting = persist(
    () => reading.commands("job", 0, { waitMs: 60_000, signal: running.signal }),
    running.signal,
  );
  let restarted: Promise<void> | undefined;
  for (let seq = 1; seq <= 2_000; seq += 10) {
    const events = Array.from({ length: 10 }, (_, index) => event(seq + index));
    await persist(() => writing.streams.append("job", events), running.signal);
    if (seq % 500 === 251) {
      await restarted;
      restarted = server.kill().then(() => server.restart());
    }
  }
  await restarted;
  await persist(() => writing.streams.end("job"), running.signal);
  expect(await seen).toEqual(Array.from({ length: 2_000 }, (_, index) => index + 1));
  expect(await persist(() => writing.markOf("job"), running.signal)).toMatchObject({
    holder: "me",
  });
  // Whoever waited through it all hears of what comes now.
  const seq = await persist(() => writing.send("job", { type: "interrupt" }), running.signal);
  expect(await waiting).toMatchObject([{ seq }]);
});

test("while Redis is away calls reject soon, and say whether they were sent", async () => {
  const store = open({ callTimeoutMs: 300 });
  await store.note("job", "any", 1);
  await server.kill();
  const failed = (): Promise<unknown> =>
    store.noteOf("job", "any").catch((error: unknown) => error);
  // The first may still have been written to the connection, when its end has not been heard of.
  expect(await failed()).toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(await failed()).toMatchObject({ code: "STORE_UNAVAILABLE", sent: false });
  await server.restart();
  expect(await persist(() => store.noteOf("job", "any"), running.signal)).toBe(1);
});

test("a Redis that hangs fails calls within their time", async () => {
  const store = open({ callTimeoutMs: 300 });
  await store.note("job", "any", 1);
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
  const commands = persist(
    () => cut.commands("job", 0, { waitMs: 60_000, signal: running.signal }),
    running.signal,
  );
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
  const ids = Array.from({ length: 20 }, (_, index) => `job-${index}`);
  await Promise.all(ids.map((id) => writing.streams.create(id, facts, limits)));
  const viewers = ids.flatMap((id) =>
    Array.from({ length: 10 }, () => follow(reading, id, running.signal)),
  );
  const channels = async () => ((await admin.pubsub("CHANNELS", "*")) as string[]).length;
  while ((await channels()) < ids.length);
  // One for the calls of each store, and one that hears of news.
  expect((await clients(admin)) - before).toBe(3);
  for (const id of ids) {
    await writing.streams.append(id, [event(1), event(2)]);
    await writing.streams.end(id);
  }
  for (const seen of await Promise.all(viewers)) expect(seen).toEqual([1, 2]);
  await reading.close();
  while ((await clients(admin)) > before + 1);
  await admin.quit();
});

test("twenty thousand events stay within the bytes of their stream", async () => {
  const store = open();
  const admin = new Redis(server.url);
  const maxBytes = 500_000;
  await store.streams.create("job", facts, { ...limits, maxBytes });
  for (let seq = 1; seq <= 20_000; seq += 100) {
    const events = Array.from({ length: 100 }, (_, index) => delta(seq + index));
    await store.streams.append("job", events);
  }
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
  const last = Array.from({ length: 1_000 }, (_, index) => textOf(19_001 + index)).join("");
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

function textOf(seq: number): string {
  return `${seq} ${"x".repeat(60)}\n`;
}

function delta(seq: number): StreamEvent {
  const part = { type: "tool-output", id: "call", delta: textOf(seq) };
  return { seq, type: "tool-output", data: JSON.stringify(part) };
}

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
