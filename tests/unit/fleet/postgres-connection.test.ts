import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test } from "@jest/globals";
import pg from "pg";
import { Deferred } from "../../../lib/async/deferred.js";
import type { Topic } from "../../../lib/fleet/store/news.js";
import { clientConfig } from "../../../lib/fleet/store/postgres/client-config.js";
import { PostgresConnection } from "../../../lib/fleet/store/postgres/postgres-connection.js";
import { readPostgresOptions } from "../../../lib/fleet/store/postgres/postgres-options.js";

const authenticated = Buffer.from([...Buffer.from("R"), 0, 0, 0, 8, 0, 0, 0, 0]);
const ready = Buffer.from([...Buffer.from("Z"), 0, 0, 0, 5, ...Buffer.from("I")]);
const done = Buffer.from([...Buffer.from("C"), 0, 0, 0, 11, ...Buffer.from("LISTEN"), 0]);

/** Takes every connection, answers as many messages with these, and then never says a word, whatever happens. */
async function mute(...answers: readonly Buffer[]) {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const left = [...answers];
    sockets.add(socket.on("error", () => undefined));
    socket.on("data", () => {
      const answer = left.shift();
      if (answer) socket.write(answer);
    });
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

test("a server that is gone without a word does not keep the connection for news from being closed", async () => {
  using silent = await mute(Buffer.concat([authenticated, ready]), Buffer.concat([done, ready]));
  const options = readPostgresOptions({ postgres: silent.url, callTimeoutMs: 600_000 });
  const connection = new PostgresConnection(options);
  const live = new Deferred<void>();
  const look = async (topic: Topic | undefined): Promise<undefined> => {
    if (topic?.isLive) live.resolve();
    return Promise.resolve(undefined);
  };
  const { signal } = new AbortController();
  const waiting = connection.news.until("topic", look, { waitMs: 600_000, signal });
  await live.promise;
  await connection.close();
  await expect(waiting).resolves.toBeUndefined();
});

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
  await expect(waiting).resolves.toBeUndefined();
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
