import { afterEach, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CodexPool, type CodexPoolOptions } from "../../../lib/fleet/index.js";
import { SlowConsumerError, TenantOptionsError, TransportClosedError } from "../../../lib/index.js";
import { FakeAppServer } from "../../../lib/testing/index.js";
import { collect, rejection } from "../../support/collect.js";

const servers = new Map<string, FakeAppServer>();
let pool: CodexPool | undefined;
afterEach(async () => {
  await pool?.close();
  await Promise.all([...servers.values()].map((server) => server.close()));
  servers.clear();
});

function serverOf(key: string): FakeAppServer {
  const server = servers.get(key) ?? new FakeAppServer().addThread(`thread-${key}`);
  servers.set(key, server);
  return server;
}

function poolOf(options: Partial<CodexPoolOptions> = {}): CodexPool {
  pool = new CodexPool({
    maxServers: 2,
    optionsFor: (key) => ({ server: serverOf(key), maxTotalBacklogBytes: 1_048_576 }),
    ...options,
  });
  return pool;
}

async function until(isThere: () => boolean): Promise<void> {
  while (!isThere()) await new Promise((resolve) => setImmediate(resolve));
}

test("a tenant whose server floods costs itself its events, and the others nothing", async () => {
  const tenants = poolOf();
  const [noisy, quiet] = await Promise.all([tenants.get("noisy"), tenants.get("quiet")]);
  serverOf("noisy").onTurn((turn) => {
    for (let i = 0; i < 400; i += 1) turn.reply("x".repeat(10_000));
  });
  const notifications = (await noisy.client()).notifications();
  const flooded = noisy.thread("thread-noisy").turn("Go");
  const [overflow, answer] = await Promise.all([
    rejection(collect(flooded)),
    quiet.thread("thread-quiet").run("Hello"),
    flooded.run().catch(() => undefined),
  ]);
  expect(overflow).toBeDefined();
  expect(answer).toMatchObject({ finalResponse: "Hello from the fake server." });
  await expect(collect(notifications)).rejects.toBeInstanceOf(SlowConsumerError);
  expect(await quiet.thread("thread-quiet").run("Again")).toMatchObject({ status: "completed" });
});

test("a tenant whose server crashes again and again gives its place back each time", async () => {
  const tenants = poolOf({ maxServers: 1 });
  const [broken, quiet] = await Promise.all([tenants.get("broken"), tenants.get("quiet")]);
  serverOf("broken").onTurn((turn) => {
    turn.crash();
  });
  for (let round = 0; round < 4; round += 1) {
    const [lost, answer] = await Promise.all([
      rejection(broken.thread("thread-broken").run("Go")),
      quiet.thread("thread-quiet").run("Hello"),
    ]);
    expect(lost).toBeInstanceOf(TransportClosedError);
    expect(answer).toMatchObject({ status: "completed" });
    expect(tenants.stats().servers).toBeLessThanOrEqual(1);
  }
});

test("a tenant whose server does not start takes no place from the others", async () => {
  const tenants = poolOf({
    maxServers: 1,
    optionsFor: (key) =>
      key === "missing" ? { codexPath: "/nowhere/codex" } : { server: serverOf(key) },
  });
  const missing = await tenants.get("missing");
  expect(await rejection(missing.models().all())).toMatchObject({ code: "BINARY_NOT_FOUND" });
  expect(tenants.stats().servers).toBe(0);
  await (await tenants.get("quiet")).models();
  expect(tenants.stats().servers).toBe(1);
});

test("one tenant's hundred turns delay another's by one at most", async () => {
  const tenants = poolOf({ maxTurns: 1 });
  const [greedy, modest] = await Promise.all([tenants.get("greedy"), tenants.get("modest")]);
  const order: string[] = [];
  for (const key of ["greedy", "modest"]) {
    for (let i = 0; i < 100; i += 1) serverOf(key).addThread(`${key}-${i}`);
    serverOf(key).onTurn(async (turn) => {
      order.push(key);
      // The turns behind it come to stand in line.
      await new Promise((resolve) => setImmediate(resolve));
      turn.reply("Done.");
    });
  }
  await Promise.all([greedy.models(), modest.models()]);
  const many = Array.from({ length: 100 }, (_, i) => greedy.thread(`greedy-${i}`).run("Go"));
  await until(() => tenants.stats().waitingForTurn === 99);
  const begunBefore = order.length;
  await modest.thread("modest-0").run("Go");
  expect(order.indexOf("modest")).toBeLessThan(100);
  expect(order.indexOf("modest") - begunBefore).toBeLessThanOrEqual(4);
  await Promise.all(many);
  expect(order.filter((key) => key === "greedy")).toHaveLength(100);
});

test("only so many turns of a tenant wait, and with waitMs: 0 none does", async () => {
  const ends: (() => void)[] = [];
  const server = serverOf("a").addThread("second").addThread("third");
  server.onTurn(async (turn) => {
    await new Promise<void>((resolve) => ends.push(resolve));
    turn.reply("Done.");
  });
  const tenants = poolOf({ maxTurnsPerTenant: 1, maxWaiting: 1 });
  const codex = await tenants.get("a");
  const running = codex.thread("thread-a").run("Go");
  await until(() => ends.length === 1);
  const waiting = codex.thread("second").run("Go");
  await until(() => tenants.stats().waitingForTurn === 1);
  expect(await rejection(codex.thread("third").run("Go"))).toMatchObject({
    code: "POOL_FULL",
    resource: "turns",
    waitedMs: 0,
  });
  ends[0]?.();
  await running;
  await until(() => ends.length === 2);
  ends[1]?.();
  await waiting;
  await tenants.close();

  const strict = poolOf({ maxTurnsPerTenant: 1, waitMs: 0 });
  const again = await strict.get("a");
  const first = again.thread("thread-a").run("Go");
  await until(() => ends.length === 3);
  expect(await rejection(again.thread("second").run("Go"))).toMatchObject({ code: "POOL_FULL" });
  ends[2]?.();
  await first;
});

test("a tenant whose server does not answer keeps no place from the others", async () => {
  const tenants = poolOf({ maxServers: 2, waitMs: Infinity });
  const [hung, idle, late] = await Promise.all(["hung", "idle", "late"].map((k) => tenants.get(k)));
  serverOf("hung").onRequest("thread/loaded/list", () => new Promise(() => undefined));
  await hung?.models();
  await idle?.models();
  const since = performance.now();
  await late?.models();
  // An answer would have been waited for as long.
  expect(performance.now() - since).toBeLessThan(10_000);
  expect([hung, idle].map((codex) => codex?.currentStatus.state)).toEqual(["ready", "idle"]);
});

test("a get() that comes while a tenant's turns are let end does not cut them short", async () => {
  const ends: (() => void)[] = [];
  serverOf("a").onTurn(async (turn) => {
    await new Promise<void>((resolve) => ends.push(resolve));
    turn.reply("Done.");
  });
  const tenants = poolOf();
  const codex = await tenants.get("a");
  const first = codex.thread("thread-a").run("Go");
  await until(() => ends.length === 1);
  const removed = tenants.remove("a", { drainMs: Infinity });
  const next = tenants.get("a");
  await until(() => codex.currentStatus.state === "draining");
  const another = tenants.get("a");
  ends[0]?.();
  expect(await first).toMatchObject({ status: "completed", finalResponse: "Done." });
  await removed;
  expect(await next).not.toBe(codex);
  expect(await another).toBe(await next);

  // The same for one that its holder closes.
  const second = (await next).thread("thread-a").run("Go");
  await until(() => ends.length === 2);
  const closed = (await next).close({ drainMs: Infinity });
  const third = tenants.get("a");
  ends[1]?.();
  expect(await second).toMatchObject({ status: "completed" });
  await closed;
  expect(await third).not.toBe(await next);
});

test("what waits for a place fails at once when its own server is gone", async () => {
  const ends: (() => void)[] = [];
  serverOf("busy").onTurn(async (turn) => {
    await new Promise<void>((resolve) => ends.push(resolve));
    turn.reply("Done.");
  });
  for (const key of ["b", "c"]) {
    serverOf(key).onRequest("thread/goal/get", () => ({ goal: null }));
  }
  const tenants = poolOf({ maxServers: 3, maxTurns: 1, waitMs: Infinity });
  const [busy, b, c] = await Promise.all(["busy", "b", "c"].map((key) => tenants.get(key)));
  const running = busy?.thread("thread-busy").run("Go");
  await until(() => ends.length === 1);
  const lost = [b, c].flatMap((codex, index) => {
    const thread = codex?.thread(index === 0 ? "thread-b" : "thread-c");
    const goal = codex?.thread("with-a-goal").runGoal("Reach it").run();
    return [thread?.run("Go"), goal].map((work) => rejection(Promise.resolve(work)));
  });
  await until(() => tenants.stats().waitingForTurn === 4);
  serverOf("b").crash();
  await tenants.remove("c");
  for (const error of await Promise.all(lost)) {
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error).toMatchObject({ sent: false });
  }
  expect(tenants.stats()).toMatchObject({ turns: 1, waitingForTurn: 0 });
  ends[0]?.();
  expect(await running).toMatchObject({ status: "completed" });
});

test("options that never come keep neither remove() nor close() waiting", async () => {
  const asked: ((options: { server: FakeAppServer }) => void)[] = [];
  const tenants = poolOf({ optionsFor: () => new Promise((resolve) => asked.push(resolve)) });
  const first = tenants.get("a");
  await until(() => asked.length === 1);
  await tenants.remove("a");
  // Whoever asked before gets the one that takes its place.
  await until(() => asked.length === 2);
  asked[1]?.({ server: serverOf("a") });
  const codex = await first;
  // What comes late makes nothing.
  asked[0]?.({ server: serverOf("a") });
  expect(await tenants.get("a")).toBe(codex);
  const never = rejection(tenants.get("b"));
  await until(() => asked.length === 3);
  await tenants.close();
  expect(await never).toMatchObject({ code: "HANDLE_CLOSED" });
  expect(tenants.stats().tenants).toBe(0);
});

test("close() in the middle of a start waits for nothing, and refuses those who wait for its place", async () => {
  serverOf("slow").onRequest("initialize", () => new Promise(() => undefined));
  const tenants = poolOf({ maxServers: 1, waitMs: Infinity });
  const [slow, next] = await Promise.all([tenants.get("slow"), tenants.get("next")]);
  const refused = [slow, next].map((codex) => rejection(codex.models().all()));
  await until(() => tenants.stats().waitingForServer === 1);
  await tenants.close();
  for (const error of await Promise.all(refused)) {
    expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", sent: false });
  }
  expect(tenants.stats()).toMatchObject({ tenants: 0, servers: 0, waitingForServer: 0 });
});

test("one server is one server, however its url is written", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "pool-urls-"));
  try {
    const socket = path.join(directory, "codex.sock");
    await writeFile(socket, "");
    await symlink(socket, path.join(directory, "link.sock"));
    const urls: Record<string, string> = {
      a: "ws://127.0.0.1:1",
      "a again": "WS://127.0.0.1:1/",
      b: "ws://127.0.0.1:1/?tenant=b",
      socket: `unix://${socket}`,
      link: `unix://${directory}/./link.sock`,
    };
    const tenants = poolOf({ optionsFor: (key) => ({ url: urls[key] ?? "" }) });
    for (const key of ["a", "b", "socket"]) await tenants.get(key);
    for (const key of ["a again", "link"]) {
      expect(await rejection(tenants.get(key))).toBeInstanceOf(TenantOptionsError);
    }
    expect([...tenants].map(([key]) => key)).toEqual(["a", "b", "socket"]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test.each([[undefined], [null], ["/srv/codex"], [{ codexHome: 5 }]])(
  "optionsFor that gives %j makes no tenant in the directory of this process",
  async (given) => {
    const tenants = poolOf({ optionsFor: () => given as never });
    expect(await rejection(tenants.get("a"))).toBeInstanceOf(TenantOptionsError);
    expect(tenants.stats()).toMatchObject({ tenants: 0, servers: 0 });
  },
);

test("a tenant that is refused leaves nothing behind, and one whose signal aborts does not wait on", async () => {
  const given = new AbortController();
  const listeners = () => getEventListeners(given.signal, "abort").length;
  const tenants = poolOf({
    maxServers: 1,
    waitMs: Infinity,
    optionsFor: (key) =>
      key.startsWith("url")
        ? { url: "ws://127.0.0.1:1", signal: given.signal }
        : { server: serverOf(key), ...(key === "b" && { signal: given.signal }) },
  });
  await tenants.get("url-1");
  const before = listeners();
  expect(await rejection(tenants.get("url-2"))).toBeInstanceOf(TenantOptionsError);
  expect(listeners()).toBe(before);

  const [a, b] = await Promise.all([tenants.get("a"), tenants.get("b")]);
  // It has a thread that could not be loaded again, so its server stays.
  await a.startThread({ ephemeral: true });
  const refused = rejection(b.models().all());
  await until(() => tenants.stats().waitingForServer === 1);
  const reason = new Error("the tenant has gone");
  given.abort(reason);
  expect(await refused).toBe(reason);
  expect(tenants.stats()).toMatchObject({ waitingForServer: 0, servers: 1 });
});

test.each([
  ["maxServers", { maxServers: 0 }],
  ["maxServers", { maxServers: undefined }],
  ["optionsFor", { optionsFor: undefined }],
  ["waitMs", { waitMs: -1 }],
  ["idleMs", { idleMs: 0 }],
  ["maxTurns", { maxTurns: 1.5 }],
  ["maxTurnsPerTenant", { maxTurnsPerTenant: 0 }],
  ["maxWaiting", { maxWaiting: -1 }],
  ["servers", { servers: 5 }],
])("an option that cannot work is refused by its name: %s", async (name, options) => {
  const make = async () => Promise.resolve(poolOf(options as unknown as Partial<CodexPoolOptions>));
  await expect(make()).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: name });
});
