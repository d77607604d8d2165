import { describe, expect, test } from "@jest/globals";
import { Codex, InvalidArgumentError } from "../../../lib/index.js";
import { FakeAppServer, ResponseError } from "../../../lib/testing/index.js";

/** A server that has nothing to do for any thread, as far as it is asked. */
function restingServer(): FakeAppServer {
  const server = new FakeAppServer();
  const none = { data: [], nextCursor: null };
  server.onRequest("thread/queue/list", () => none);
  server.onRequest("thread/backgroundTerminals/list", () => none);
  server.onRequest("thread/goal/get", () => ({ goal: null }));
  return server;
}

function methodsOf(server: FakeAppServer): string[] {
  return server.received.flatMap(({ method }) => method ?? []);
}

describe("unsubscribeIdleMs", () => {
  test("lets go of a thread once, and loads it at its next use", async () => {
    await using server = restingServer();
    await using codex = new Codex({ server, unsubscribeIdleMs: 40 });
    const thread = await codex.startThread();
    await thread.run("Hi");
    await server.nextRequest("thread/unsubscribe");
    await thread.run("Again");
    const methods = methodsOf(server).filter((method) => /unsubscribe|resume|turn/.test(method));
    expect(methods.filter((method) => method === "turn/start")).toHaveLength(2);
    const order = methods.filter((method) => !method.endsWith("turns/list")).slice(0, 4);
    expect(order).toEqual(["turn/start", "thread/unsubscribe", "thread/resume", "turn/start"]);
  });

  test("a turn that begins while the client lets go waits for that, and loads the thread", async () => {
    await using server = restingServer();
    await using codex = new Codex({ server, unsubscribeIdleMs: 40 });
    const thread = await codex.startThread();
    await thread.run("Hi");
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    server.onRequest("thread/unsubscribe", async (_, request) => {
      await answered;
      return request.passthrough();
    });
    await server.nextRequest("thread/unsubscribe");
    const turn = thread.run("Again");
    const settings = thread.updateSettings({ model: "other" }).catch(() => undefined);
    expect(methodsOf(server).filter((method) => method === "turn/start")).toHaveLength(1);
    answer();
    await turn;
    await settings;
    const methods = methodsOf(server);
    expect(methods.indexOf("thread/resume")).toBeGreaterThan(methods.indexOf("thread/unsubscribe"));
    expect(methods.lastIndexOf("turn/start")).toBeGreaterThan(methods.indexOf("thread/resume"));
    expect(methods.indexOf("thread/settings/update")).not.toBeLessThan(
      methods.indexOf("thread/resume"),
    );
  });

  test.each([
    "thread/queue/list",
    "thread/goal/get",
    "thread/backgroundTerminals/list",
    "thread/turns/list",
  ] as const)(
    "a server that fails %s keeps its thread, and is asked again later",
    async (method) => {
      await using server = restingServer();
      let refusals = 0;
      let asked!: () => void;
      const twice = new Promise<void>((resolve) => (asked = resolve));
      server.onRequest(method, () => {
        refusals += 1;
        if (refusals === 2) asked();
        throw new Error("not today");
      });
      await using codex = new Codex({ server, unsubscribeIdleMs: 40 });
      await (await codex.startThread()).run("Hi");
      await twice;
      expect(methodsOf(server)).not.toContain("thread/unsubscribe");
    },
  );

  test("an active goal keeps its thread, and one that is reached lets it go", async () => {
    await using server = restingServer();
    let status = "active";
    let count = 0;
    let asked!: () => void;
    const twice = new Promise<void>((resolve) => (asked = resolve));
    server.onRequest("thread/goal/get", () => {
      count += 1;
      if (count === 2) asked();
      return { goal: { objective: "Tidy up", status } } as never;
    });
    await using codex = new Codex({ server, unsubscribeIdleMs: 40 });
    const thread = await codex.startThread();
    await thread.run("Hi");
    await twice;
    expect(methodsOf(server)).not.toContain("thread/unsubscribe");
    status = "complete";
    const { params } = await server.nextRequest("thread/unsubscribe");
    expect(params).toEqual({ threadId: thread.id });
  });

  test.each(["thread/queue/list", "thread/goal/get"] as const)(
    "a server that has no %s lets go of a thread",
    async (method) => {
      await using server = restingServer();
      server.onRequest(method, () => {
        throw new ResponseError(-32_601, "Method not found");
      });
      await using codex = new Codex({ server, unsubscribeIdleMs: 40 });
      const thread = await codex.startThread();
      await thread.run("Hi");
      const { params } = await server.nextRequest("thread/unsubscribe");
      expect(params).toEqual({ threadId: thread.id });
    },
  );

  test("a thread whose unsubscribing failed is loaded anew, since nobody knows", async () => {
    await using server = restingServer();
    server.onRequest("thread/unsubscribe", () => {
      throw new Error("not today");
    });
    await using codex = new Codex({ server, unsubscribeIdleMs: 40 });
    const thread = await codex.startThread();
    await thread.run("Hi");
    await server.nextRequest("thread/unsubscribe");
    await thread.run("Again");
    expect(methodsOf(server)).toContain("thread/resume");
  });

  test.each([0, -1, NaN, true, "600000"])("refuses %p", (unsubscribeIdleMs) => {
    const options = { unsubscribeIdleMs: unsubscribeIdleMs as number };
    expect(() => new Codex(options)).toThrow(InvalidArgumentError);
    expect(() => new Codex({ ...options, url: "ws://127.0.0.1:1" })).toThrow("unsubscribeIdleMs");
  });

  test.each([false, Infinity, 5, undefined] as const)("takes %p", async (unsubscribeIdleMs) => {
    await using codex = new Codex({ unsubscribeIdleMs });
    expect(codex.currentStatus).toEqual({ state: "idle" });
  });
});

test("what cannot be loaded again is not let go of: a thread without a turn", async () => {
  await using server = restingServer();
  await using codex = new Codex({ server, unsubscribeIdleMs: 40 });
  const unused = await codex.startThread();
  const used = await codex.startThread();
  await used.run("Hi");
  const { params } = await server.nextRequest("thread/unsubscribe");
  expect(params).toEqual({ threadId: used.id });
  const others = server.received.filter(({ method }) => method === "thread/unsubscribe");
  expect(others).toHaveLength(1);
  expect(await codex.loadedThreads().all()).toContain(unused.id);
});
