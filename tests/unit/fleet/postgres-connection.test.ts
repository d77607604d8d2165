import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test } from "@jest/globals";
import pg from "pg";
import { clientConfig } from "../../../lib/fleet/store/postgres/client-config.js";
import { PostgresConnection } from "../../../lib/fleet/store/postgres/postgres-connection.js";
import { readPostgresOptions } from "../../../lib/fleet/store/postgres/postgres-options.js";

/** Takes every connection, and never says a word. */
async function mute() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    server,
    url: `postgres://somebody@127.0.0.1:${port}/app`,
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test("a server that takes the connection for news and says nothing does not keep it from being closed", async () => {
  using silent = await mute();
  const options = readPostgresOptions({ postgres: silent.url, callTimeoutMs: 50 });
  const connection = new PostgresConnection(options);
  const connected = once(silent.server, "connection");
  const { signal } = new AbortController();
  const waiting = connection.news.until("topic", () => Promise.resolve(undefined), {
    waitMs: 600_000,
    signal,
  });
  await connected;
  await connection.close();
  expect(await waiting).toBeUndefined();
});

test.each([
  { postgres: "postgres://localhost/app?options=-c%20geqo%3Doff" },
  { postgres: { connectionString: "postgres://localhost/app?options=-c%20geqo%3Doff" } },
  { postgres: { database: "app", options: "-c geqo=off" } },
])("options of a session leave the schema what it is: %j", ({ postgres }) => {
  const options = readPostgresOptions({ postgres, schema: "ours" });
  const client = new pg.Client(clientConfig(options));
  expect(client).toMatchObject({
    connectionParameters: { options: "-c geqo=off -c search_path=ours", database: "app" },
  });
});
