import { afterEach, expect, test } from "@jest/globals";
import type { AppServerClient, Thread } from "../../lib/index.js";
import { recordingLogger } from "../contract/recording-logger.js";
import { linkedThread } from "../support/linked-server.js";
import { sampleOf } from "../support/sample-value.js";
import { methodIndex } from "../support/schemas.js";
import { turnCompleted, turnRecord, turnStarted, type Params } from "../support/turn-messages.js";
import { oddValues, withOddParts } from "./odd-values.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const waits = (): Promise<never> => new Promise(() => undefined);

afterEach(() => {
  expect([...Object.keys(Object.prototype), ...Object.keys(Array.prototype)]).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

const someItem = {
  id: "item",
  text: "",
  summary: [],
  content: [],
  changes: [{ path: "a", diff: "", kind: { type: "add" } }],
  receiverThreadIds: ["child"],
  agentsStates: { child: { status: "running" } },
  agentThreadId: "child",
  tool: "spawnAgent",
  kind: "started",
};
const itemTypes = [
  "agentMessage",
  "reasoning",
  "commandExecution",
  "fileChange",
  "collabAgentToolCall",
  "subAgentActivity",
  "contextCompaction",
  "dynamicToolCall",
];

/** The params of a message in its usual forms: about nothing that is known, and about the turn. */
function usualParams(type: string | null): Params[] {
  if (type === null) return [{}];
  const sample = sampleOf(type) as Params;
  if (!("threadId" in sample)) return [sample];
  const ours = { ...sample, ...ids };
  if ("turn" in sample) return [sample, { ...ours, turn: turnRecord(ids.turnId) }];
  if (!("item" in sample)) return [sample, ours];
  const items = itemTypes.map((each) => ({ ...ours, item: { ...someItem, type: each } }));
  return [sample, ...items];
}

/** All that the server may send by one method when it puts odd values into it. */
function oddParams(type: string | null): unknown[] {
  return usualParams(type).flatMap((usual) => [...withOddParts(usual)]);
}

/** Each method with what it carries, and besides names that mean something to JavaScript alone. */
const notifications: [string, unknown[]][] = [
  ...Object.entries(methodIndex.serverNotifications)
    .filter(([method]) => method !== "turn/completed")
    .map(([method, { params }]): [string, unknown[]] => [method, oddParams(params)]),
  ...["__proto__", "toString", "hasOwnProperty", "constructor", "then", ""].map(
    (method): [string, unknown[]] => [method, [...oddValues, ids]],
  ),
];

test.each(notifications)(
  "%j with any part of a wrong type, or missing, changes nothing for the turn",
  async (method, sent) => {
    const logger = recordingLogger();
    await using pair = await linkedThread({ logger, onApproval: waits, onUserInput: waits });
    const { server, client, thread } = pair;
    // Some say that the turn is over. However long all of this takes, the server knows better.
    const page = { data: [turnRecord(ids.turnId)], nextCursor: null, backwardsCursor: null };
    server.handle("thread/turns/list", () => page);
    const active = { threadId: ids.threadId, status: { type: "active", activeFlags: [] } };
    const turn = thread.turn("Hi");
    await turn.started;
    server.send(turnStarted(ids));
    // There is an open request, and somebody waits for turns of others.
    server.send({ id: "open", method: "item/commandExecution/requestApproval", params: ids });
    const others = thread.unsolicitedTurns();
    for (const params of sent) server.notify(method, params as Params);
    server.notify("thread/status/changed", active);
    await client.request("account/read", {});
    server.send(turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ id: "turn-1", status: "completed" });
    await others.return?.();
    expect(logger.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  },
);

/** Each method of a request; and those of notifications, which make no event of a request. */
const requests: [string, unknown[]][] = [
  ...Object.entries(methodIndex.serverRequests).map(([method, { params }]): [string, unknown[]] => [
    method,
    oddParams(params),
  ]),
  ...[...Object.keys(methodIndex.serverNotifications), "__proto__", "toString", "then"].map(
    (method): [string, unknown[]] => [method, [{ ...ids, turn: turnRecord("turn-1") }]],
  ),
];

test.each(requests)(
  "each request %j is answered, whatever part of it has a wrong type, and whatever its id is",
  async (method, sent) => {
    const logger = recordingLogger();
    await using pair = await linkedThread({ logger });
    const { server, client, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const oddIds = ["__proto__", "constructor", "", -1, 0.5, 1e308];
    for (const [index, params] of sent.entries()) {
      server.send({ id: `__proto__${index}`, method, params });
    }
    for (const id of oddIds) server.send({ id, method: "currentTime/read", params: {} });
    // Of threads that nobody knows, the server is asked first who their parents are.
    const count = sent.length + oddIds.length;
    while (server.answers.length < count) await client.request("account/read", {});
    expect(new Set(server.answers.map(({ id }) => id)).size).toBe(count);
    expect(client.pendingRequests()).toEqual([]);
    expect(turn.state).toMatchObject({ status: "inProgress", items: [] });
    server.send(turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ status: "completed" });
    expect(logger.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  },
);

type Call = (client: AppServerClient, thread: Thread) => PromiseLike<unknown>;

/** What is called, and the method whose answer is odd. */
const calls: readonly [string, Call][] = [
  ["thread/start", (client) => client.startThread()],
  ["thread/resume", (client) => client.resumeThread("thread-9")],
  ["thread/fork", (_, thread) => thread.fork()],
  ["thread/read", (_, thread) => thread.read()],
  ["thread/list", (client) => client.listThreads().all()],
  ["thread/turns/list", (_, thread) => thread.turns().all()],
  ["thread/items/list", (_, thread) => thread.items().all()],
  ["turn/start", (_, thread) => thread.run("Hi", { signal: soon() })],
  [
    "review/start",
    (_, thread) => thread.review({ type: "uncommittedChanges" }, { signal: soon() }).run(),
  ],
  ["model/list", (client) => client.models().all()],
  ["account/read", (client) => client.account()],
  ["account/rateLimits/read", (client) => client.request("account/rateLimits/read")],
  ["command/exec", (client) => client.exec(["true"]).exit],
  ["config/read", (client) => client.config.read()],
  ["config/value/write", (client) => client.config.write("a", 1)],
  ["fs/readFile", (client) => client.files.read("/a")],
  ["fs/readDirectory", (client) => client.files.readDir("/a")],
  ["fs/getMetadata", (client) => client.files.stat("/a")],
  ["fuzzyFileSearch", (client) => client.searchFiles("a", { roots: ["/a"] })],
  ["skills/list", (client) => client.skills.list()],
  ["hooks/list", (client) => client.hooks.list()],
  ["mcpServerStatus/list", (client) => client.mcp.servers().all()],
  ["plugin/list", (client) => client.plugins.list()],
  ["experimentalFeature/list", (client) => client.features.list().all()],
  ["account/login/start", (client) => client.login.apiKey("key", { timeoutMs: 50 })],
];

/** Ends what waits for the end of a turn, which here may never come. */
function soon(): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => {
    controller.abort(new Error("enough"));
  }, 100).unref();
  return controller.signal;
}

test.each(calls)(
  "%s: whatever the answer is, the call ends, and the client goes on",
  async (method, call) => {
    const logger = recordingLogger();
    const entry = methodIndex.clientRequests[method];
    const usual = sampleOf(entry?.result ?? "");
    await using pair = await linkedThread({ logger });
    const { server, client, thread } = pair;
    server.handle("turn/interrupt", ({ turnId }) => {
      server.send(turnCompleted({ ...ids, turnId: turnId as string }));
      return {};
    });
    const answers = [...withOddParts(usual)].slice(0, 400);
    let at = 0;
    server.handle(method, () => answers[at]);
    const ends: Promise<unknown>[] = [];
    for (; at < answers.length; at += 1) {
      const end = Promise.resolve(call(client, thread)).then(
        () => "ok",
        (error: unknown) => (error instanceof Error ? "error" : `no error: ${String(error)}`),
      );
      ends.push(end);
      // The answer is the one for this call.
      await settled(end, 20);
    }
    for (const end of await Promise.all(ends)) expect(["ok", "error"]).toContain(end);
    expect(await client.request("thread/loaded/list", {})).toEqual({});
    expect(logger.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  },
);

async function settled(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
