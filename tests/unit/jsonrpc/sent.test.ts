import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { AppServerError } from "../../../lib/errors/base.js";
import { Codex } from "../../../lib/index.js";
import { rejection, settled } from "../../support/collect.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import {
  later,
  linked,
  linkedThread,
  ResponseError,
  textsSent,
} from "../../support/linked-server.js";
import { turnCompleted, turnStarted } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

/** What can be said of an error of a request. */
async function fate(promise: Promise<unknown>) {
  const error = await rejection(promise);
  if (!(error instanceof AppServerError)) throw new Error("it is none of ours", { cause: error });
  const { code, sent, message } = error;
  const { method } = error as { method?: unknown };
  return { code, sent, method, saysItMay: message.includes("may still carry it out") };
}

const timedOut = { code: "REQUEST_TIMEOUT", sent: false, saysItMay: false };

describe("a request is not sent", () => {
  test("while the server starts", async () => {
    const codex = new Codex();
    Object.defineProperty(codex, "client", { value: () => new Promise<never>(() => undefined) });
    expect(await fate(codex.rpc.model.list({}, { timeoutMs: 1 }))).toEqual({
      ...timedOut,
      method: "model/list",
    });
  });

  test("after close()", async () => {
    const codex = new Codex();
    await codex.close();
    const closed = { code: "TRANSPORT_CLOSED", sent: false };
    expect(await fate(codex.rpc.model.list())).toMatchObject(closed);
    expect(await fate(codex.account())).toMatchObject(closed);
    expect(await fate(codex.startThread())).toMatchObject(closed);
    expect(await fate(codex.thread("t").run("Hi"))).toMatchObject(closed);
    expect(await fate(codex.thread("t").runGoal("Hi").run())).toMatchObject(closed);
    expect(await fate(codex.exec(["true"]).exit)).toMatchObject(closed);
  });

  test("when the server cannot be started", async () => {
    await using codex = new Codex({ codexPath: "/nowhere/codex" });
    expect(await fate(codex.account())).toMatchObject({ code: "BINARY_NOT_FOUND", sent: false });
    expect(await fate(codex.thread("t").run("Hi"))).toMatchObject({ sent: false });
  });

  test("while the connection is away, nor when it does not come back", async () => {
    let give = (): void => undefined;
    const gate = new Promise<void>((resolve) => (give = resolve));
    await using link = await LinkedAnew.start({
      reconnect: { retries: 1 },
      prepare: async (_, index) => {
        if (index === 0) return;
        await gate;
        throw new Error("it is gone");
      },
    });
    const { client } = link;
    await link.drop();
    expect(await fate(client.request("config/read", {}, { timeoutMs: 1 }))).toEqual({
      ...timedOut,
      method: "config/read",
    });
    expect(await fate(client.notify("initialized", {}, { timeoutMs: 1 }))).toMatchObject(timedOut);
    const waiting = fate(client.request("config/read", {}));
    give();
    expect(await waiting).toMatchObject({ code: "TRANSPORT_CLOSED", sent: false });
    expect(link.servers[0]?.paramsOf("config/read")).toEqual([]);
  });

  test("while its thread is loaded", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("thread/resume", () => later);
    const call = { threadId: "other", server: "s", tool: "t" };
    expect(await fate(client.mcp.callTool(call, { timeoutMs: 1 }))).toEqual({
      ...timedOut,
      method: "mcpServer/tool/call",
    });
    const crashed = fate(client.mcp.callTool(call));
    await settled();
    server.crash();
    expect(await crashed).toMatchObject({
      code: "TRANSPORT_CLOSED",
      method: "mcpServer/tool/call",
      sent: false,
    });
  });
});

test("a login that waits for another one has not begun", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("account/login/start", () => later);
  const first = fate(client.login.apiKey("one", { timeoutMs: 200 }));
  await server.nextRequest("account/login/start");
  expect(await fate(client.login.apiKey("two", { timeoutMs: 1 }))).toMatchObject({
    code: "LOGIN_TIMEOUT",
    sent: false,
  });
  expect(await first).toMatchObject({ code: "LOGIN_TIMEOUT", sent: true });
  expect(server.paramsOf("account/login/start")).toHaveLength(1);
});

describe("a request is sent", () => {
  test("when the connection drops before the answer", async () => {
    await using link = await LinkedAnew.start();
    link.server.handle("config/read", () => later);
    const pending = fate(link.client.request("config/read", {}));
    await link.server.nextRequest("config/read");
    await link.drop();
    expect(await pending).toMatchObject({ code: "TRANSPORT_CLOSED", sent: true });
  });
});

describe("a turn", () => {
  test("that waits for the one before has not been sent, whatever ends the wait", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const first = thread.turn("First");
    const lost = fate(first.run());
    await first.started;
    server.send(turnStarted(ids));
    const late = await rejection(thread.run("Late", { timeoutMs: 1 }));
    expect(late).toMatchObject({
      code: "TURN_TIMEOUT",
      sent: false,
      message:
        "The turn did not end within 1 ms and was not sent to the server. Start it again if it is still wanted.",
    });
    expect(await fate(thread.run("Now", { whenBusy: "reject" }))).toMatchObject({
      code: "THREAD_BUSY",
      sent: false,
    });
    const interrupted = thread.turn("Interrupted");
    await settled();
    await interrupted.interrupt();
    expect(await fate(interrupted.started)).toMatchObject({ sent: false });
    const waiting = fate(thread.run("Waiting"));
    await settled();
    server.crash({ exitCode: 1 });
    expect(await waiting).toMatchObject({ code: "TRANSPORT_CLOSED", sent: false });
    expect(await lost).toMatchObject({ code: "TRANSPORT_CLOSED", sent: true });
    expect(textsSent(server)).toEqual(["First"]);
  });

  test("that waits for a place in flight has not been sent, whatever ends the wait", async () => {
    await using pair = await linkedThread({ maxInFlight: 1 });
    const { client, server, thread } = pair;
    server.handle("config/read", () => later);
    void client.request("config/read", {}).catch(() => undefined);
    const other = client.thread(thread.id);
    expect(await fate(thread.run("Late", { timeoutMs: 20 }))).toMatchObject({
      code: "TURN_TIMEOUT",
      sent: false,
    });
    expect(await fate(other.runGoal("Late", { timeoutMs: 20 }).run())).toMatchObject({
      code: "GOAL_TIMEOUT",
      sent: false,
    });
    const interrupted = thread.turn("Interrupted");
    await settled();
    await interrupted.interrupt();
    expect(await interrupted.run()).toMatchObject({ status: "interrupted" });
    expect(await fate(interrupted.started)).toMatchObject({
      code: "TURN_NOT_STARTED",
      sent: false,
    });
    const waiting = thread.turn("Waiting");
    const lost = fate(waiting.run());
    await settled();
    server.crash({ exitCode: 1 });
    expect(await lost).toMatchObject({
      code: "TRANSPORT_CLOSED",
      method: "turn/start",
      sent: false,
    });
    const methods = server.requests.map(({ method }) => method);
    expect(methods).not.toContain("turn/start");
    expect(methods).not.toContain("thread/goal/set");
  });

  test("whose thread could not be loaded in time has not been sent", async () => {
    await using pair = await linked({ requestTimeoutMs: 20 });
    const { client, server } = pair;
    server.handle("thread/resume", () => later);
    expect(await fate(client.thread("other").run("Hi"))).toEqual({
      ...timedOut,
      method: "turn/start",
    });
    expect(await fate(client.thread("other").runGoal("Hi").run())).toMatchObject({ sent: false });
    server.handle("thread/resume", () => {
      throw new ResponseError(-32_600, "no rollout found for thread id other");
    });
    expect(await fate(client.thread("other").run("Hi"))).toMatchObject({ sent: true });
  });

  test("that was sent says so when it takes too long", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/interrupt", () => {
      server.send(turnCompleted(ids, { status: "interrupted" }));
      return {};
    });
    const turn = thread.turn("Hi", { timeoutMs: 50 });
    await turn.started;
    server.send(turnStarted(ids));
    expect(await fate(turn.run())).toMatchObject({ code: "TURN_TIMEOUT", sent: true });
  });

  test("that still waited for a place when the connection dropped is sent over the next", async () => {
    await using link = await LinkedAnew.start({
      maxInFlight: 1,
      prepare: (server, index) => {
        if (index === 0) server.handle("config/read", () => later);
      },
    });
    const thread = await link.client.startThread();
    const pending = fate(link.client.request("config/read", {}));
    const compact = thread.compact();
    await settled();
    await link.reconnect();
    expect(await pending).toMatchObject({ sent: true });
    await link.server.nextRequest("thread/compact/start");
    expect(link.servers[0]?.paramsOf("thread/compact/start")).toEqual([]);
    compact.started.catch(() => undefined);
  });
});

describe("what was given up before it was sent", () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test.each([
    [0, 2],
    [9, 2],
    [10, 4],
  ])(
    "for requests made in one moment is not sent into the place of another, but %i ms later it is",
    async (laterMs, sentInAll) => {
      await using pair = await linkedThread({ maxInFlight: 2, requestTimeoutMs: 300 });
      const { client, server } = pair;
      server.handle("config/read", () => later);
      const ask = (count: number) =>
        Array.from({ length: count }, () => fate(client.request("config/read", {})));
      const first = ask(2);
      await settled();
      jest.advanceTimersByTime(laterMs);
      const waiting = ask(18);
      await settled();
      await jest.advanceTimersByTimeAsync(300 - laterMs);
      await settled();
      expect(server.paramsOf("config/read")).toHaveLength(sentInAll);
      await jest.advanceTimersByTimeAsync(laterMs);
      const errors = await Promise.all([...first, ...waiting]);
      expect(errors.filter(({ sent }) => sent)).toHaveLength(sentInAll);
      expect(errors.filter(({ saysItMay }) => saysItMay)).toHaveLength(sentInAll);
    },
  );

  test("is not undone in the server, and nobody watches for it", async () => {
    const requestTimeoutMs = 7_777;
    await using pair = await linkedThread({ maxInFlight: 1, requestTimeoutMs });
    const { client, server, thread } = pair;
    server.handle("config/read", () => later);
    void client.request("config/read", {}, { timeoutMs: 600_000 }).catch(() => undefined);
    const failures = [
      client.spawn(["tool"], { cwd: "/" }).exit,
      thread.goal.set({ objective: "Reach it" }),
      thread.run("Hi"),
    ].map(fate);
    await settled();
    // The message waits for the goal's first turn before it waits for its place.
    await jest.advanceTimersByTimeAsync(3_000 + requestTimeoutMs);
    await settled();
    for (const each of await Promise.all(failures)) expect(each).toMatchObject(timedOut);
    const [waiting] = server.requests.slice(-1);
    expect(waiting).toMatchObject({ method: "config/read" });
    server.respond(waiting as never, {});
    await jest.advanceTimersByTimeAsync(60_000);
    await settled();
    const methods = server.requests.map(({ method }) => method);
    expect(methods).not.toContain("process/kill");
    expect(methods).not.toContain("process/spawn");
    expect(methods).not.toContain("turn/start");
    expect(jest.getTimerCount()).toBe(0);
  });
});
