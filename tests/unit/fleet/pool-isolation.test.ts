import { afterEach, expect, test } from "@jest/globals";
import { CodexPool, type CodexPoolOptions } from "../../../lib/fleet/index.js";
import { SlowConsumerError, TransportClosedError } from "../../../lib/index.js";
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
