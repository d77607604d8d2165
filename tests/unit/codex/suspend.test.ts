import { afterEach, expect, test } from "@jest/globals";
import { Codex } from "../../../lib/index.js";
import type { ClientRequestMethod } from "../../../lib/protocol.js";
import { FakeAppServer } from "../../../lib/testing/index.js";
import { rejection } from "../../support/collect.js";

let codex: Codex | undefined;
const server = new FakeAppServer().onUnhandledRequest(() => ({}));
afterEach(async () => {
  await codex?.close();
  await server.close();
});

async function byHand(method: ClientRequestMethod): Promise<boolean> {
  codex = new Codex({ server });
  const client = await codex.client();
  await client.request(method, {});
  return codex.suspend();
}

test("a request by hand whose work is over with its answer keeps no server", async () => {
  expect(await byHand("model/list")).toBe(true);
});

test.each<ClientRequestMethod>([
  "account/gatewayOAuth/login",
  "account/login/start",
  "externalAgentConfig/import",
  "fs/watch",
  "fuzzyFileSearch/sessionStart",
  "mcpServer/event/stream/start",
  "mcpServer/oauth/login",
  "process/spawn",
  "remoteControl/enable",
  "remoteControl/pairing/start",
  "windowsSandbox/setupStart",
])(
  "what %s has begun by hand keeps the server, since nothing tells when it is over",
  async (method) => {
    expect(await byHand(method)).toBe(false);
  },
);

test("whoever waits for MCP servers to start keeps the server between two looks", async () => {
  await using own = new FakeAppServer().addThread("thread");
  let looks = 0;
  let isStarting = true;
  own.onRequest("mcpServerStatus/list", () => {
    looks += 1;
    const runtimeStatus = isStarting ? "starting" : "ready";
    return { data: [{ name: "slow", runtimeStatus }] as never, nextCursor: null };
  });
  codex = new Codex({ server: own });
  await codex.thread("thread").run("Begin");
  expect(await codex.suspend()).toBe(true);
  const started = codex.mcp.started("thread");
  while (looks === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(await codex.suspend()).toBe(false);
  isStarting = false;
  expect(await started).toHaveLength(1);
  expect(await codex.suspend()).toBe(true);
});

test("whoever looks for a turn to attach to keeps the server between two looks", async () => {
  await using own = new FakeAppServer().addThread("thread");
  let looks = 0;
  own.onRequest("thread/turns/list", () => {
    looks += 1;
    return { data: [], nextCursor: null } as never;
  });
  codex = new Codex({ server: own });
  const turn = codex.thread("thread").attachTurn({ id: "turn" });
  const sought = rejection(turn.run());
  const over = new AbortController();
  void sought.then(() => {
    over.abort();
  });
  while (looks === 0) await new Promise((resolve) => setImmediate(resolve));
  while (!over.signal.aborted) {
    const isGone = await codex.suspend();
    expect(isGone && !over.signal.aborted).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await sought).toMatchObject({ code: "TURN_NOT_FOUND" });
  expect(looks).toBeGreaterThan(1);
});

test("a server with more threads than can be asked about is not taken for idle", async () => {
  await using own = new FakeAppServer();
  const data = Array.from({ length: 10_000 }, (_, index) => `thread ${index}`);
  own.onRequest("thread/loaded/list", () => ({ data, nextCursor: "more" }));
  // All of those that are listed are at rest.
  own.onRequest("thread/read", () => ({ thread: { status: { type: "idle" } } }) as never);
  own.onRequest("thread/queue/list", () => ({ data: [], nextCursor: null }));
  own.onRequest("thread/goal/get", () => ({ goal: null }));
  own.onRequest("thread/backgroundTerminals/list", () => ({ data: [], nextCursor: null }));
  own.onRequest("thread/turns/list", () => ({ data: [{}], nextCursor: null }) as never);
  codex = new Codex({ server: own });
  await codex.client();
  expect(await codex.suspend()).toBe(false);
});
