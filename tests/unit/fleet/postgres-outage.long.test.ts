import { afterEach, beforeEach, expect, test } from "@jest/globals";
import pg from "pg";
import { PostgresFleetStore } from "../../../lib/fleet/index.js";
import { follow, persist } from "../../support/persist.js";
import { PostgresServer } from "../../support/postgres-server.js";
import {
  appendOutput,
  event,
  facts,
  firstCommands,
  limits,
  losesNothing,
  rejectsWhileAway,
  twoHundredViewers,
} from "../../support/store-outages.js";

let running: AbortController;

let server: PostgresServer;
const opened: PostgresFleetStore[] = [];

beforeEach(async () => {
  running = new AbortController();
  server = await PostgresServer.start();
  // To make its tables may take longer than these calls are given.
  const patient = new PostgresFleetStore({ postgres: server.url, callTimeoutMs: 60_000 });
  await patient.hosts();
  await patient.close();
});
afterEach(async () => {
  running.abort();
  await Promise.all(opened.splice(0).map((store) => store.close()));
  await server[Symbol.asyncDispose]();
});

function open(options: { callTimeoutMs?: number; keepSilentStreamsMs?: number } = {}) {
  const store = new PostgresFleetStore({ postgres: server.url, ...options });
  opened.push(store);
  return store;
}

test("a PostgreSQL that is killed and comes back has lost nothing that was told to be stored", async () => {
  const [writing, reading] = [open({ callTimeoutMs: 2_000 }), open({ callTimeoutMs: 2_000 })];
  const killsAt = (seq: number): boolean => seq === 201 || seq === 401;
  await losesNothing([writing, reading], server, { events: 600, killsAt }, running.signal);
});

test("while PostgreSQL is away calls reject within their time", async () => {
  await rejectsWhileAway(open({ callTimeoutMs: 300 }), server, running.signal);
});

test("a PostgreSQL that hangs fails calls within their time", async () => {
  const store = open({ callTimeoutMs: 300 });
  await persist(() => store.note("job", "any", 1), running.signal);
  const client = new pg.Client(server.url);
  await client.connect();
  // Whoever comes to the job waits for this lock.
  await client.query("begin");
  await client.query("select 1 from codex_fleet.jobs for update");
  const failed: unknown = await store.note("job", "any", 2).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "STORE_UNAVAILABLE", sent: true });
  await client.query("rollback");
  await client.end();
  expect(await store.noteOf("job", "any")).toBe(1);
});

test("connections that are ended come back, and what waited hears of what it missed", async () => {
  const [cut, whole] = [open(), open()];
  await whole.streams.create("job", facts, limits);
  const seen = follow(cut, "job", running.signal);
  const commands = firstCommands(cut, running.signal);
  const client = new pg.Client(server.url);
  await client.connect();
  const cutAll = () =>
    client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'codex-fleet' and pid <> pg_backend_pid()`,
    );
  for (let seq = 1; seq <= 60; seq += 1) {
    await persist(() => whole.streams.append("job", [event(seq)]), running.signal);
    if (seq % 20 === 0) await cutAll();
  }
  await cutAll();
  await persist(() => whole.send("job", { type: "interrupt" }), running.signal);
  await persist(() => whole.streams.end("job"), running.signal);
  expect(await seen).toHaveLength(60);
  expect((await commands).length).toBeGreaterThan(0);
  await client.end();
});

test("two hundred who wait share one connection", async () => {
  const [writing, reading] = [open(), open()];
  const client = new pg.Client(server.url);
  await client.connect();
  const { end } = await twoHundredViewers(writing, reading, running.signal);
  const connections = async () => {
    const { rows } = await client.query<{ query: string }>(
      "select query from pg_stat_activity where application_name = 'codex-fleet'",
    );
    return rows.map(({ query }) => query);
  };
  let all = await connections();
  while (!all.some((query) => query.startsWith("listen"))) all = await connections();
  expect(all.filter((query) => query.startsWith("listen"))).toHaveLength(1);
  // Four for the calls of each store, and one that hears of news.
  expect(all.length).toBeLessThanOrEqual(9);
  await end();
  await Promise.all([writing.close(), reading.close()]);
  while ((await connections()).length > 0);
  await client.end();
});

test("twenty thousand events stay within the bytes of their stream", async () => {
  const store = open({ callTimeoutMs: 30_000 });
  const maxBytes = 500_000;
  await store.streams.create("job", facts, { ...limits, maxBytes });
  await appendOutput(store, 20_000);
  const client = new pg.Client(server.url);
  await client.connect();
  const { rows } = await client.query<{ bytes: string }>(
    "select sum(octet_length(data) + octet_length(extras)) as bytes from codex_fleet.events",
  );
  expect(Number(rows[0]?.bytes)).toBeLessThan(1.2 * maxBytes);
  await client.end();
  const page = await store.streams.read("job", 0, {
    maxBytes: 65_536,
    waitMs: 0,
    signal: running.signal,
  });
  expect(page?.events[0]?.type).toBe("gap");
  expect((await store.streams.find("job"))?.last).toBe(20_000);
});

test("what has expired is gone for readers at once, and from the tables when they are swept", async () => {
  const store = open({ keepSilentStreamsMs: 1 });
  await store.streams.create("job", facts, limits);
  await store.mark("job", { holder: "me", threadId: "thread", messageId: "m" });
  await store.send("job", { type: "interrupt" });
  await store.forgetJob("job", 0);
  while (await store.streams.find("job"));
  while (await store.markOf("job"));
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query("set search_path = codex_fleet");
  await client.query("select sweep(100)");
  for (const table of ["jobs", "commands", "streams", "events"]) {
    expect((await client.query(`select * from ${table}`)).rows).toEqual([]);
  }
  await client.end();
});
