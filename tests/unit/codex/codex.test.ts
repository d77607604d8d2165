import { expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { Deferred } from "../../../lib/async/deferred.js";
import { Codex } from "../../../lib/codex.js";
import { TransportClosedError } from "../../../lib/errors/connection-errors.js";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { HandshakeError } from "../../../lib/errors/start-errors.js";
import { rejection } from "../../support/collect.js";
import { isAlive } from "../../support/processes.js";
import { tinyServer } from "../../support/tiny-server.js";

test("making one starts nothing, nor does a handle on a thread, nor closing it", async () => {
  await using server = await tinyServer();
  const codex = new Codex({ launch: server.launch });
  codex.thread("thread-8");
  codex.listThreads();
  await codex.close();
  expect(await server.starts()).toEqual([]);
});

test("options that cannot work are refused by the constructor", () => {
  expect(() => new Codex({ maxInFlight: 0 })).toThrow(InvalidArgumentError);
  expect(() => new Codex({ codexPath: "" })).toThrow(InvalidArgumentError);
  for (const options of [null, "ws://127.0.0.1:4500", 4500, []] as object[]) {
    expect(() => new Codex(options)).toThrow("options must be an object");
  }
});

test("first calls that come together share one start", async () => {
  await using server = await tinyServer();
  await using codex = new Codex({ launch: server.launch });
  const [client, same, first, second] = await Promise.all([
    codex.client(),
    codex.client(),
    codex.startThread(),
    codex.startThread(),
  ]);
  expect(same).toBe(client);
  expect([first.id, second.id]).toEqual(["thread-1", "thread-2"]);
  expect(await codex.client()).toBe(client);
  expect(await server.starts()).toHaveLength(1);
});

test("ready() starts it, and tells who answered and whether a login is needed", async () => {
  await using server = await tinyServer();
  await using codex = new Codex({ launch: server.launch });
  const { serverInfo, account, loginRequired } = await codex.ready();
  expect(serverInfo).toMatchObject({ version: "0.169.0", codexHome: "/home/user/.codex" });
  expect(account).toBeNull();
  expect(loginRequired).toBe(true);
});

test("a start that fails rejects all who wait for it, and the next call tries again", async () => {
  await using server = await tinyServer({ failures: 1 });
  await using codex = new Codex({ launch: server.launch });
  const errors = await Promise.all([rejection(codex.client()), rejection(codex.startThread())]);
  for (const error of errors) {
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error).toMatchObject({ stderrTail: "not in the mood" });
  }
  expect((await codex.startThread()).id).toBe("thread-1");
  const [failed, running] = await server.starts();
  expect(isAlive(failed ?? 0)).toBe(false);
  expect(isAlive(running ?? 0)).toBe(true);
});

test("a dead process is replaced by the next call, and its threads are loaded again", async () => {
  await using server = await tinyServer();
  await using codex = new Codex({ launch: server.launch });
  const thread = await codex.startThread();
  const dead = await codex.client();
  expect(await rejection(thread.read())).toMatchObject({ code: "TRANSPORT_CLOSED", exitCode: 7 });
  expect(await thread.turn("Hi").started).toEqual({ id: "turn-1" });
  const methods = await server.methods();
  expect(methods.filter((method) => /resume|turn/.test(method))).toEqual([
    "thread/resume",
    "turn/start",
  ]);
  const client = await codex.client();
  expect(client).not.toBe(dead);
  expect(client.signal.aborted).toBe(false);
  expect(dead.signal.reason).toBeInstanceOf(TransportClosedError);
  expect(await server.starts()).toHaveLength(2);
});

test("close() ends the process, and any number of calls is one", async () => {
  await using server = await tinyServer();
  const codex = new Codex({ launch: server.launch });
  const client = await codex.client();
  await Promise.all([codex.close(), codex.close()]);
  await codex.close();
  expect(await client.closed).toMatchObject({ kind: "closed" });
  const [pid] = await server.starts();
  expect(isAlive(pid ?? 0)).toBe(false);
});

test("calls after close() are rejected, and start nothing", async () => {
  await using server = await tinyServer();
  const codex = new Codex({ launch: server.launch });
  await codex.client();
  await codex.close();
  const thread = codex.thread("thread-8");
  const calls = [
    codex.client(),
    codex.startThread(),
    codex.ready(),
    thread.run("Hi"),
    thread.read(),
  ];
  for (const error of await Promise.all(calls.map(rejection))) {
    expect(error).toBeInstanceOf(TransportClosedError);
    expect((error as Error).message).toBe("The connection is closed. Start another client.");
  }
  expect(await server.starts()).toHaveLength(1);
});

test.each([
  ["at its very beginning", false],
  ["when the process runs but does not answer", true],
])("close() does not wait for a start, %s", async (_name, untilHeard) => {
  await using server = await tinyServer({ silent: true });
  const heard = new Deferred<string>();
  const codex = new Codex({
    launch: server.launch,
    startTimeoutMs: 600_000,
    onStderr: (text) => {
      heard.resolve(text);
    },
  });
  const waiting = [rejection(codex.client()), rejection(codex.startThread())];
  if (untilHeard) expect(await heard.promise).toBe("heard initialize");
  await codex.close();
  for (const error of await Promise.all(waiting)) {
    expect(error).toBeInstanceOf(TransportClosedError);
  }
  expect((await server.starts()).filter(isAlive)).toEqual([]);
});

test("await using closes it", async () => {
  await using server = await tinyServer();
  {
    await using codex = new Codex({ launch: server.launch });
    await codex.client();
  }
  const [pid] = await server.starts();
  expect(isAlive(pid ?? 0)).toBe(false);
});

test("a signal ends the start, and its reason is what the callers get", async () => {
  await using server = await tinyServer({ silent: true });
  const abort = new AbortController();
  await using codex = new Codex({ launch: server.launch, signal: abort.signal });
  const waiting = rejection(codex.client());
  abort.abort("shutting down");
  expect(await waiting).toBe("shutting down");
  expect(await rejection(codex.startThread())).toBe("shutting down");
  expect((await server.starts()).filter(isAlive)).toEqual([]);
});

test("a turn that is aborted or interrupted while the process starts does not wait for that", async () => {
  await using server = await tinyServer({ silent: true });
  let heard = "";
  await using codex = new Codex({
    launch: server.launch,
    onStderr: (text) => (heard += text),
  });
  const abort = new AbortController();
  const aborted = codex.thread("thread-1").turn("Hi", { signal: abort.signal });
  const interrupted = codex.thread("thread-2").turn("Hi");
  const outcomes = Promise.all([rejection(aborted.run()), interrupted.run()]);
  while (!heard.includes("initialize")) await new Promise((resolve) => setTimeout(resolve, 10));
  abort.abort("changed my mind");
  await interrupted.interrupt();
  const [reason, result] = await outcomes;
  expect(reason).toBe("changed my mind");
  expect(result).toMatchObject({ id: "", status: "interrupted" });
  expect(heard).toBe("heard initialize");
});

test("a signal that lives longer than the Codex keeps nothing of it", async () => {
  await using server = await tinyServer();
  const { signal } = new AbortController();
  const codex = new Codex({ launch: server.launch, signal });
  await codex.client();
  await codex.close();
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});
