import { afterEach, beforeEach, expect, test } from "@jest/globals";
import pg from "pg";
import { PostgresFleetStore } from "../../../lib/fleet/index.js";
import type { StreamEvent } from "../../../lib/http/index.js";
import { follow, persist } from "../../support/persist.js";
import { PostgresServer } from "../../support/postgres-server.js";

const limits = { retainMs: 60_000, maxBytes: 1_048_576 };
const facts = { owner: "ada", threadId: "thread" };
let running: AbortController;

let server: PostgresServer;
const opened: PostgresFleetStore[] = [];

beforeEach(async () => {
  running = new AbortController();
  server = await PostgresServer.start();
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

function event(seq: number): StreamEvent {
  return { seq, type: "warning", data: JSON.stringify({ type: "warning", message: String(seq) }) };
}

test("a PostgreSQL that is killed and comes back has lost nothing that was told to be stored", async () => {
  const [writing, reading] = [open({ callTimeoutMs: 2_000 }), open({ callTimeoutMs: 2_000 })];
  await writing.streams.create("job", facts, limits);
  await writing.mark("job", { holder: "me", threadId: "thread", messageId: "m" });
  const seen = follow(reading, "job", running.signal);
  const waiting = persist(
    () => reading.commands("job", 0, { waitMs: 60_000, signal: running.signal }),
    running.signal,
  );
  let restarted: Promise<void> | undefined;
  for (let seq = 1; seq <= 600; seq += 10) {
    const events = Array.from({ length: 10 }, (_, index) => event(seq + index));
    await persist(() => writing.streams.append("job", events), running.signal);
    if (seq === 201 || seq === 401) {
      await restarted;
      restarted = server.kill().then(() => server.restart());
    }
  }
  await restarted;
  await persist(() => writing.streams.end("job"), running.signal);
  expect(await seen).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
  expect(await persist(() => writing.markOf("job"), running.signal)).toMatchObject({
    holder: "me",
  });
  const seq = await persist(() => writing.send("job", { type: "interrupt" }), running.signal);
  expect(await waiting).toMatchObject([{ seq }]);
});

test("while PostgreSQL is away calls reject within their time", async () => {
  const store = open({ callTimeoutMs: 300 });
  await persist(() => store.note("job", "any", 1), running.signal);
  await server.kill();
  const failed = async () => {
    const error: unknown = await store.noteOf("job", "any").catch((reason: unknown) => reason);
    return error;
  };
  // The first may go over a connection that was good a moment ago.
  await failed();
  expect(await failed()).toMatchObject({ code: "STORE_UNAVAILABLE", sent: false });
  await server.restart();
  expect(await persist(() => store.noteOf("job", "any"), running.signal)).toBe(1);
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
  const commands = persist(
    () => cut.commands("job", 0, { waitMs: 60_000, signal: running.signal }),
    running.signal,
  );
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
  const ids = Array.from({ length: 20 }, (_, index) => `job-${index}`);
  await Promise.all(ids.map((id) => writing.streams.create(id, facts, limits)));
  const viewers = ids.flatMap((id) =>
    Array.from({ length: 10 }, () => follow(reading, id, running.signal)),
  );
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
  for (const id of ids) {
    await writing.streams.append(id, [event(1), event(2)]);
    await writing.streams.end(id);
  }
  for (const seen of await Promise.all(viewers)) expect(seen).toEqual([1, 2]);
  await Promise.all([writing.close(), reading.close()]);
  while ((await connections()).length > 0);
  await client.end();
});

test("twenty thousand events stay within the bytes of their stream", async () => {
  const store = open({ callTimeoutMs: 30_000 });
  const maxBytes = 500_000;
  await store.streams.create("job", facts, { ...limits, maxBytes });
  for (let seq = 1; seq <= 20_000; seq += 100) {
    const events = Array.from({ length: 100 }, (_, index) => delta(seq + index));
    await store.streams.append("job", events);
  }
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

function delta(seq: number): StreamEvent {
  const part = { type: "tool-output", id: "call", delta: `${seq} ${"x".repeat(60)}\n` };
  return { seq, type: "tool-output", data: JSON.stringify(part) };
}
