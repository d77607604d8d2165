import { describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import type { CodexApi } from "../../../lib/catalogue/codex-api.js";
import { AppServerClient } from "../../../lib/client.js";
import { Codex } from "../../../lib/codex.js";
import type { CodexOptions } from "../../../lib/supervision/codex-options.js";
import { RequestTimeoutError } from "../../../lib/errors/connection-errors.js";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import type { RequestOptions } from "../../../lib/jsonrpc/connection.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { later, linked, linkedThread } from "../../support/linked-server.js";
import { tinyServer } from "../../support/tiny-server.js";
import { turnCompleted, turnStarted } from "../../support/turn-messages.js";

type Call = (codex: Codex, signal: AbortSignal) => Promise<unknown>;

/** Every call that takes a signal and may start the server. */
const calls: [name: string, call: Call][] = [
  ["thread.turn().run", (codex, signal) => codex.thread("t").turn("Hi", { signal }).run()],
  ["thread.turn().started", (codex, signal) => codex.thread("t").turn("Hi", { signal }).started],
  ["iterating a turn", (codex, signal) => collect(codex.thread("t").turn("Hi", { signal }))],
  ["thread.run", (codex, signal) => codex.thread("t").run("Hi", { signal })],
  [
    "thread.run with a file that is not there",
    (codex, signal) => codex.thread("t").run([{ type: "localImage", path: "/none" }], { signal }),
  ],
  [
    "thread.review",
    (codex, signal) => codex.thread("t").review({ type: "uncommittedChanges" }, { signal }).run(),
  ],
  ["thread.compact", (codex, signal) => codex.thread("t").compact({ signal }).run()],
  [
    "thread.shellCommand",
    (codex, signal) => codex.thread("t").shellCommand("ls", { signal }).run(),
  ],
  ["thread.queue.start", (codex, signal) => codex.thread("t").queue.start({ signal }).run()],
  ["thread.runGoal", (codex, signal) => codex.thread("t").runGoal("Reach it", { signal }).run()],
  ["goal.started", (codex, signal) => codex.thread("t").runGoal("Reach it", { signal }).started],
  [
    "thread.attachTurn",
    (codex, signal) => codex.thread("t").attachTurn({ id: "turn" }, { signal }).run(),
  ],
  [
    "thread.unsolicitedTurns",
    (codex, signal) => collect(codex.thread("t").unsolicitedTurns({ signal })),
  ],
  ["exec", (codex, signal) => codex.exec(["ls"], { signal }).exit],
  ["spawn", (codex, signal) => codex.spawn(["ls"], { cwd: "/", signal }).exit],
  ["watch", (codex, signal) => collect(codex.watch("/tmp", { signal }))],
  ["watch.ready", (codex, signal) => codex.watch("/tmp", { signal }).ready],
  ["searchFiles", (codex, signal) => codex.searchFiles("x", { signal })],
  ["fileSearch", (codex, signal) => collect(codex.fileSearch({ query: "x", signal }))],
  ["threadSearch", (codex, signal) => collect(codex.threadSearch("x", { signal }))],
  ["threadSearch.firstPage", (codex, signal) => codex.threadSearch("x", { signal }).firstPage],
  ["rpc", (codex, signal) => codex.rpc.model.list({}, { signal })],
  ["files.read", (codex, signal) => codex.files.read("/etc/hosts", { signal })],
  ["files.write", (codex, signal) => codex.files.write("/tmp/x", "x", { signal })],
  ["mcp.started", (codex, signal) => codex.mcp.started("t", { signal })],
  ["mcp.startups", (codex, signal) => collect(codex.mcp.startups({ signal }))],
  [
    "mcp.callTool",
    (codex, signal) => codex.mcp.callTool({ threadId: "t", server: "s", tool: "x" }, { signal }),
  ],
  [
    "mcp.readResource",
    (codex, signal) => codex.mcp.readResource({ server: "s", uri: "u" }, { signal }),
  ],
  ["mcp.login", (codex, signal) => codex.mcp.login("s", {}, { signal })],
  ["plugins.list", (codex, signal) => codex.plugins.list({}, { signal })],
  ["plugins.installed", (codex, signal) => codex.plugins.installed({}, { signal })],
  [
    "plugins.install",
    (codex, signal) =>
      codex.plugins.install({ pluginName: "p", remoteMarketplaceName: "m" }, { signal }),
  ],
  ["marketplaces.add", (codex, signal) => codex.plugins.marketplaces.add("a/b", {}, { signal })],
  ["marketplaces.upgrade", (codex, signal) => codex.plugins.marketplaces.upgrade("m", { signal })],
  ["login.apiKey", (codex, signal) => codex.login.apiKey("key", { signal })],
  ["rateLimits.watch", (codex, signal) => collect(codex.rateLimits.watch({ signal }))],
];

/** A signal as other realms have them: of a class of its own, known by what it does. */
class ForeignSignal extends EventTarget {
  aborted = false;
  reason: unknown;

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event("abort"));
  }
}

function foreign(): { abort: (reason: unknown) => void; signal: AbortSignal } {
  const signal = new ForeignSignal();
  return {
    abort: (reason) => {
      signal.abort(reason);
    },
    signal: signal as unknown as AbortSignal,
  };
}

describe.each(["Node's own", "another realm's"])(
  "a signal of %s that is aborted already",
  (kind) => {
    const aborted = (reason: unknown): AbortSignal => {
      if (kind === "Node's own") return AbortSignal.abort(reason);
      const { abort, signal } = foreign();
      abort(reason);
      return signal;
    };

    test.each(calls)("keeps the server from being started: %s", async (_, call) => {
      await using server = await tinyServer();
      await using codex = new Codex({ launch: server.launch });
      const states: string[] = [];
      const reason = new Error("changed my mind");
      expect(await rejection(call(codex, aborted(reason)))).toBe(reason);
      await settled();
      for await (const { state } of codex.status()) {
        states.push(state);
        break;
      }
      expect(states).toEqual(["idle"]);
      expect(await server.starts()).toEqual([]);
    });

    test("of a client keeps it from being started", async () => {
      await using server = await tinyServer();
      const { launch } = server;
      const reason = new Error("changed my mind");
      const signal = aborted(reason);
      expect(await rejection(AppServerClient.start({ launch, signal }))).toBe(reason);
      const options: CodexOptions = { launch, signal };
      await using codex = new Codex(options);
      expect(await rejection(codex.client())).toBe(reason);
      expect(await server.starts()).toEqual([]);
    });

    test("sends nothing on a client that runs", async () => {
      await using pair = await linkedThread();
      const { client, server, thread } = pair;
      const before = server.requests.length;
      const reason = new Error("changed my mind");
      const signal = aborted(reason);
      expect(await rejection(client.request("model/list", {}, { signal }))).toBe(reason);
      expect(await rejection(thread.run("Hi", { signal }))).toBe(reason);
      expect(await rejection(thread.runGoal("Reach it", { signal }).run())).toBe(reason);
      // Of a thread that would be loaded first.
      const call = { threadId: "other", server: "s", tool: "x" };
      expect(await rejection(client.mcp.callTool(call, { signal }))).toBe(reason);
      expect(await rejection(collect(client.notifications({ signal })))).toBe(reason);
      await settled();
      expect(server.requests).toHaveLength(before);
    });
  },
);

describe("a signal of another realm", () => {
  test("stops a turn and a watch", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const ids = { threadId: "thread-1", turnId: "turn-1" };
    server.handle("turn/interrupt", () => {
      server.send(turnCompleted(ids, { status: "interrupted" }));
      return {};
    });
    const { abort, signal } = foreign();
    const turn = thread.turn("Hi", { signal });
    const watch = client.watch("/tmp", { signal });
    await Promise.all([turn.started, watch.ready]);
    server.send(turnStarted(ids));
    const ended = [rejection(collect(watch)), rejection(turn.run())];
    abort("enough");
    expect(await Promise.all(ended)).toEqual(["enough", "enough"]);
    expect(server.paramsOf("turn/interrupt")).toEqual([ids]);
    expect(server.paramsOf("fs/unwatch")).toHaveLength(1);
  });

  test("ends a Codex", async () => {
    await using server = await tinyServer();
    const { abort, signal } = foreign();
    await using codex = new Codex({ launch: server.launch, signal });
    const client = await codex.client();
    abort("enough");
    expect(await client.closed).toMatchObject({ kind: "closed" });
  });

  test.each([{}, "abort", { aborted: false }])("is told from what is none: %j", async (signal) => {
    await using pair = await linkedThread();
    const { client, thread } = pair;
    const options = { signal: signal as AbortSignal };
    expect(() => thread.turn("Hi", options)).toThrow(InvalidArgumentError);
    expect(() => thread.runGoal("Hi", options)).toThrow(InvalidArgumentError);
    expect(await rejection(client.request("model/list", {}, options))).toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "signal",
    });
  });
});

describe("a call does not wait beyond its signal and its timeoutMs", () => {
  const toolCall = { threadId: "other", server: "s", tool: "x" };
  const waits: [string, (api: CodexApi, options: RequestOptions) => Promise<unknown>][] = [
    ["model/list", (api, options) => api.rpc.model.list({}, options)],
    ["fs/readFile", (api, options) => api.files.read("/etc/hosts", options)],
    ["mcpServer/tool/call", (api, options) => api.mcp.callTool(toolCall, options)],
    ["mcpServer/oauth/login", (api, options) => api.mcp.login("s", {}, options)],
    ["plugin/list", (api, options) => api.plugins.list({}, options)],
    ["marketplace/upgrade", (api, options) => api.plugins.marketplaces.upgrade("m", options)],
  ];

  test.each(waits)("while the server starts: %s", async (method, call) => {
    const start = new Promise<never>(() => undefined);
    const codex = new Codex();
    Object.defineProperty(codex, "client", { value: () => start });
    const abort = new AbortController();
    const aborted = rejection(call(codex, { signal: abort.signal }));
    abort.abort("enough");
    expect(await aborted).toBe("enough");
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
    const late = await rejection(call(codex, { timeoutMs: 1 }));
    expect(late).toBeInstanceOf(RequestTimeoutError);
    expect(late).toMatchObject({ method, timeoutMs: 1 });
    expect(await rejection(call(codex, { timeoutMs: 0 }))).toBeInstanceOf(InvalidArgumentError);
  });

  test("while its thread is loaded", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("thread/resume", () => later);
    const abort = new AbortController();
    const aborted = rejection(client.mcp.callTool(toolCall, { signal: abort.signal }));
    await server.nextRequest("thread/resume");
    abort.abort("enough");
    expect(await aborted).toBe("enough");
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
    const late = await rejection(client.mcp.callTool(toolCall, { timeoutMs: 1 }));
    expect(late).toMatchObject({ code: "REQUEST_TIMEOUT", method: "mcpServer/tool/call" });
    expect(server.paramsOf("mcpServer/tool/call")).toEqual([]);
  });
});
