import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Cluster, Redis } from "ioredis";
import { checkFleetStore, RedisFleetStore } from "../../lib/fleet/index.js";
import { RedisServer } from "../support/redis-server.js";

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test("two machines share a fleet's store in Redis", async () => {
  const redis = server.url;
  await checkFleetStore(() => ({
    here: new RedisFleetStore({ redis, callTimeoutMs: 30_000 }),
    there: new RedisFleetStore({ redis, callTimeoutMs: 30_000 }),
  }));
});

test("a Cluster holds it, too: each call keeps to one slot", async () => {
  await using node = await RedisServer.start([
    ...["--cluster-enabled", "yes"],
    ...["--cluster-announce-ip", "127.0.0.1"],
  ]);
  const single = new Redis(node.url);
  await single.cluster("ADDSLOTSRANGE", 0, 16_383);
  const isOk = async () => (await single.cluster("INFO")).includes("cluster_state:ok");
  while (!(await isOk()));
  await single.quit();
  const cluster = new Cluster([{ host: "127.0.0.1", port: node.port }]);
  try {
    await checkFleetStore(() => ({
      here: new RedisFleetStore({ redis: cluster, callTimeoutMs: 20_000 }),
      there: new RedisFleetStore({ redis: cluster, callTimeoutMs: 20_000 }),
    }));
  } finally {
    cluster.disconnect();
  }
});

test("an instance of ioredis lends its options, and stays the caller's", async () => {
  const own = new Redis(server.url, { db: 3, maxRetriesPerRequest: null });
  const store = new RedisFleetStore({ redis: own, prefix: "lent" });
  await store.note("job", "any", 1);
  await store.close();
  expect(await own.keys("*")).toEqual(["lent:{job:job}:state"]);
  await own.quit();
});

test("stores of other prefixes know nothing of each other", async () => {
  const [one, other] = ["one", "other"].map(
    (prefix) => new RedisFleetStore({ redis: { port: server.port }, prefix }),
  );
  await one?.settleThread("thread", "host");
  expect(await other?.hostOf("thread")).toBeUndefined();
  await Promise.all([one?.close(), other?.close()]);
});
