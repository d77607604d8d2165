import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { checkFleetStore, PostgresFleetStore } from "../../../lib/fleet/index.js";
import { PostgresServer } from "../../support/postgres-server.js";

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test("two machines share a fleet's store in PostgreSQL", async () => {
  const postgres = server.url;
  await checkFleetStore(() => ({
    here: new PostgresFleetStore({ postgres, callTimeoutMs: 30_000 }),
    there: new PostgresFleetStore({ postgres, callTimeoutMs: 30_000 }),
  }));
});

test("ten that start at once make one schema, and one that comes later changes nothing", async () => {
  const options = { postgres: { connectionString: server.url }, schema: "ten" };
  const stores = Array.from({ length: 10 }, () => new PostgresFleetStore(options));
  await Promise.all(stores.map((store, index) => store.note("job", `note-${index}`, index)));
  expect(await stores[9]?.noteOf("job", "note-0")).toBe(0);
  await Promise.all(stores.map((store) => store.close()));
  const late = new PostgresFleetStore(options);
  expect(await late.noteOf("job", "note-9")).toBe(9);
  await late.close();
});

test("a schema may have a word of SQL for its name, and is where it was to be, whatever options the URL has", async () => {
  const postgres = `${server.url}${server.url.includes("?") ? "&" : "?"}options=-c%20geqo%3Doff`;
  const store = new PostgresFleetStore({ postgres, schema: "user" });
  await store.note("job", "note", 1);
  await store.close();
  const client = new pg.Client(server.url);
  await client.connect();
  const { rows } = await client.query(
    "select table_schema from information_schema.tables where table_name = 'migrations' and table_schema in ('user', 'public')",
  );
  await client.end();
  expect(rows).toEqual([{ table_schema: "user" }]);
});

test("a schema of a newer version is left alone, with words on what to do", async () => {
  const options = { postgres: server.url, schema: "newer" };
  const store = new PostgresFleetStore(options);
  await store.hosts();
  await store.close();
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query("insert into newer.migrations values (1000)");
  await client.end();
  const old = new PostgresFleetStore(options);
  await expect(old.hosts()).rejects.toThrow("newer version (1000");
  await old.close();
});
