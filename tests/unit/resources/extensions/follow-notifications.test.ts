import { expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { TransportClosedError } from "../../../../lib/errors/connection-errors.js";
import { followNotifications } from "../../../../lib/resources/extensions/follow-notifications.js";
import { collect, rejection, settled } from "../../../support/collect.js";
import { countingSession } from "../../../support/counting-session.js";
import { linked, type LinkedServer } from "../../../support/linked-server.js";

const method = "mcpServer/startupStatus/updated";

function tell(server: LinkedServer, name: string, status = "starting"): void {
  server.notify(method, { threadId: "thread-1", name, status, error: null, failureReason: null });
}

/** Follows the names of the MCP servers that start, and of none that has started. */
async function follow(signal?: AbortSignal) {
  const pair = await linked();
  const { getSession, listeners: open } = countingSession(pair.client);
  const names = followNotifications(
    getSession,
    method,
    ({ name, status }) => (status === "starting" ? name : undefined),
    { signal },
  );
  await settled();
  return { ...pair, names, open, [Symbol.asyncDispose]: () => pair.client.close() };
}

test("what is picked of each notification comes in order, whenever it is read", async () => {
  await using stage = await follow();
  const { server, names } = stage;
  tell(server, "one");
  tell(server, "one", "ready");
  tell(server, "two");
  await settled();
  expect(await names.next()).toEqual({ done: false, value: "one" });
  expect(await names.next()).toEqual({ done: false, value: "two" });
  const next = names.next();
  tell(server, "three");
  expect(await next).toEqual({ done: false, value: "three" });
});

test("leaving the loop takes every listener away", async () => {
  const { signal } = new AbortController();
  await using stage = await follow(signal);
  const { client, server, names, open } = stage;
  expect(open()).toBe(1);
  tell(server, "one");
  for await (const name of names) {
    expect(name).toBe("one");
    break;
  }
  expect(open()).toBe(0);
  expect(getEventListeners(client.signal, "abort")).toEqual([]);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("leaving before the connection is there listens to nothing", async () => {
  await using pair = await linked();
  const { getSession, listeners: open } = countingSession(pair.client);
  let arrive!: () => void;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const names = followNotifications(
    () => arrived.then(() => getSession()),
    method,
    ({ name }) => name,
  );
  await names.return();
  arrive();
  await settled();
  expect(open()).toBe(0);
  expect(await names.next()).toEqual({ done: true, value: undefined });
});

test("a signal ends it with its reason, after what came before", async () => {
  const controller = new AbortController();
  await using stage = await follow(controller.signal);
  const { client, server, names, open } = stage;
  tell(server, "one");
  await settled();
  const gone = new Error("gone");
  controller.abort(gone);
  tell(server, "two");
  await settled();
  expect(await names.next()).toEqual({ done: false, value: "one" });
  expect(await rejection(names.next())).toBe(gone);
  expect(await names.next()).toEqual({ done: true, value: undefined });
  expect(open()).toBe(0);
  expect(getEventListeners(client.signal, "abort")).toEqual([]);
});

test("a signal that has aborted already needs no connection", async () => {
  const gone = new Error("gone");
  let connected = false;
  const getSession = () => {
    connected = true;
    return Promise.reject(new Error("not asked for"));
  };
  const signal = AbortSignal.abort(gone);
  const names = followNotifications(getSession, method, ({ name }) => name, { signal });
  expect(await rejection(names.next())).toBe(gone);
  expect(connected).toBe(false);
});

test("a lost connection is thrown, after what came before", async () => {
  const { signal } = new AbortController();
  await using stage = await follow(signal);
  const { server, names } = stage;
  tell(server, "one");
  server.crash({ exitCode: 1 });
  expect(await names.next()).toEqual({ done: false, value: "one" });
  const error = await rejection(names.next());
  expect(error).toBeInstanceOf(TransportClosedError);
  expect(error).toMatchObject({ exitCode: 1 });
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("closing the client ends it", async () => {
  await using stage = await follow();
  const { client, server, names } = stage;
  tell(server, "one");
  await settled();
  await client.close();
  expect(await collect(names)).toEqual(["one"]);
});

test("a client that is closed already ends it at once", async () => {
  await using pair = await linked();
  await pair.client.close();
  const { getSession, listeners: open } = countingSession(pair.client);
  expect(await collect(followNotifications(getSession, method, ({ name }) => name))).toEqual([]);
  expect(open()).toBe(0);
});

test("a connection that cannot be made is thrown", async () => {
  const refused = new Error("no such program");
  const { signal } = new AbortController();
  const getSession = () => Promise.reject(refused);
  const names = followNotifications(getSession, method, ({ name }) => name, { signal });
  expect(await rejection(names.next())).toBe(refused);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("when too much waits, it is dropped, every listener goes, and reading throws", async () => {
  await using stage = await follow();
  const { server, names, open } = stage;
  for (let count = 0; count < 20; count += 1) tell(server, "x".repeat(1_000_000));
  await settled();
  expect([open(), names.size]).toEqual([0, 0]);
  const error = await rejection(names.next());
  expect(error).toMatchObject({ code: "SLOW_CONSUMER" });
  expect(await names.next()).toEqual({ done: true, value: undefined });
});
