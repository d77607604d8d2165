import { describe, expect, test } from "@jest/globals";
import type { AppServerClient, Thread, TraceContext } from "../../../lib/index.js";
import { rejection } from "../../support/collect.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import { linkedThread, ResponseError } from "../../support/linked-server.js";
import { turnStarted } from "../../support/turn-messages.js";

const trace: TraceContext = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "rojo=00f067aa0ba902b7,congo@1=t61rcWkgMzE",
};

type Call = (client: AppServerClient, thread: Thread, trace: TraceContext) => unknown;

const input = [{ type: "text" as const, text: "Hi", text_elements: [] }];

const calls: [method: string, call: Call][] = [
  ["model/list", (client, _, trace) => client.request("model/list", {}, { trace })],
  ["model/list", (client, _, trace) => client.rpc.model.list({}, { trace })],
  ["fs/readFile", (client, _, trace) => client.files.read("/etc/hosts", { trace })],
  ["plugin/list", (client, _, trace) => client.plugins.list({}, { trace })],
  ["thread/start", (client, _, trace) => client.startThread({ trace })],
  [
    "thread/start",
    (client, _, trace) => client.startThread({ trace, cwd: "/", sandbox: "workspace-write" }),
  ],
  ["thread/resume", (client, _, trace) => client.resumeThread("other", { trace })],
  ["thread/fork", (client, thread, trace) => client.forkThread(thread.id, { trace })],
  ["turn/start", (_, thread, trace) => thread.turn("Hi", { trace }).started],
  ["turn/start", (_, thread, trace) => thread.run("Hi", { trace })],
  ["review/start", (_, thread, trace) => thread.review({ type: "uncommittedChanges" }, { trace })],
  ["thread/compact/start", (_, thread, trace) => thread.compact({ trace })],
  ["thread/shellCommand", (_, thread, trace) => thread.shellCommand("true", { trace })],
  ["thread/goal/set", (_, thread, trace) => thread.runGoal("Reach it", { trace }).started],
  ["thread/goal/set", (_, thread, trace) => thread.goal.set({ objective: "Reach it", trace })],
  ["thread/queue/add", (_, thread, trace) => thread.queue.add("Hi", { trace })],
  ["thread/queue/update", (_, thread, trace) => thread.queue.update("q", "Hi", { trace })],
  ["thread/queue/start", (_, thread, trace) => thread.queue.start({ trace })],
  ["command/exec", (client, _, trace) => client.exec(["true"], { trace }).exit],
  ["process/spawn", (client, _, trace) => client.spawn(["true"], { cwd: "/", trace }).exit],
];

/** Makes a call that may go on for ever, or fail: what it sends is of interest. */
function begin(call: Call, client: AppServerClient, thread: Thread): void {
  void Promise.resolve(call(client, thread, trace)).catch(() => undefined);
}

test.each(calls)("%s takes a trace, and sends it beside the params: %s", async (method, call) => {
  await using pair = await linkedThread();
  const { client, server, thread } = pair;
  if (method === "thread/start") await server.nextRequest("thread/start");
  begin(call, client, thread);
  const request = await server.nextRequest(method);
  expect(request.trace).toEqual(trace);
  expect(request.params).not.toHaveProperty("trace");
});

test("a request without a trace has none", async () => {
  await using pair = await linkedThread();
  const { client, server } = pair;
  for (const none of [undefined, {}, { traceparent: undefined }, { traceparent: null }]) {
    await client.request("model/list", {}, { trace: none });
    expect(await server.nextRequest("model/list")).not.toHaveProperty("trace");
  }
  const { traceparent } = trace;
  await client.request("model/list", {}, { trace: { traceparent, tracestate: "" } });
  expect((await server.nextRequest("model/list")).trace).toEqual({ traceparent });
});

test("each attempt at a request has it", async () => {
  await using pair = await linkedThread({ retryOnOverload: { minTimeoutMs: 1, maxTimeoutMs: 2 } });
  const { client, server } = pair;
  let refusals = 2;
  server.handle("model/list", () => {
    if (refusals-- > 0) throw new ResponseError(-32_001, "Server overloaded; retry later.");
    return {};
  });
  await client.request("model/list", {}, { trace });
  const sent = server.requests.filter(({ method }) => method === "model/list");
  expect(sent.map((request) => request.trace)).toEqual([trace, trace, trace]);
});

test("a turn that is sent again over another connection, and input that joins it, have it", async () => {
  await using link = await LinkedAnew.start({
    prepare: (server) => {
      server.handle("thread/turns/list", () => ({ data: [], nextCursor: null }));
    },
  });
  const thread = await link.client.startThread();
  await link.drop();
  const turn = thread.turn("Hi", { trace });
  const { id } = await turn.started;
  link.server.send(turnStarted({ threadId: thread.id, turnId: id }));
  await turn.steer("More");
  const [start] = link.server.requests.filter(({ method }) => method === "turn/start");
  const [steer] = link.server.requests.filter(
    ({ method, params }) => method === "turn/steer" && params["expectedTurnId"] === id,
  );
  expect([start?.trace, steer?.trace]).toEqual([trace, trace]);
});

describe("what is no trace is refused before anything is sent", () => {
  const good = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
  const wrong: [trace: unknown, argument: string][] = [
    ["00", "trace"],
    [null, "trace"],
    [[], "trace"],
    [{ traceparent: 5 }, "trace.traceparent"],
    [{ traceparent: "bogus" }, "trace.traceparent"],
    [{ traceparent: "" }, "trace.traceparent"],
    [{ traceparent: `00-${good.toUpperCase()}-01` }, "trace.traceparent"],
    [{ traceparent: `ff-${good}-01` }, "trace.traceparent"],
    [{ traceparent: `00-${good}-01-more` }, "trace.traceparent"],
    [{ traceparent: `00-${good}-1` }, "trace.traceparent"],
    [{ traceparent: ` 00-${good}-01` }, "trace.traceparent"],
    [{ traceparent: `00-${good}-01\n` }, "trace.traceparent"],
    [{ traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` }, "trace.traceparent"],
    [
      { traceparent: `00-0af7651916cd43dd8448eb211c80319c-${"0".repeat(16)}-01` },
      "trace.traceparent",
    ],
    [{ ...trace, tracestate: 5 }, "trace.tracestate"],
    [{ ...trace, tracestate: "no value" }, "trace.tracestate"],
    [{ ...trace, tracestate: "a=\ud83d" }, "trace.tracestate"],
    [
      { ...trace, tracestate: Array.from({ length: 33 }, (_, n) => `k${n}=v`).join() },
      "trace.tracestate",
    ],
    [{ tracestate: "a=b" }, "trace.tracestate"],
    [{ ...trace, traceParent: "x" }, "trace.traceParent"],
  ];

  test.each(wrong)("%j", async (given, argument) => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const before = server.requests.length;
    const refusal = { code: "INVALID_ARGUMENT", argument, sent: false };
    const bad = given as TraceContext;
    expect(await rejection(client.request("model/list", {}, { trace: bad }))).toMatchObject(
      refusal,
    );
    expect(await rejection(client.startThread({ trace: bad }))).toMatchObject(refusal);
    for (const call of [
      () => thread.turn(input, { trace: bad }),
      () => thread.runGoal("Reach it", { trace: bad }),
      () => client.exec(["true"], { trace: bad }),
    ]) {
      expect(call).toThrow(expect.objectContaining(refusal));
    }
    expect(server.requests).toHaveLength(before);
  });

  test("a later version may have more at its end, and spaces may part what is noted", async () => {
    await using pair = await linkedThread();
    const { client, server } = pair;
    const later = { traceparent: `cc-${good}-01-what-else`, tracestate: " a=b , ,c=d\t" };
    await client.request("model/list", {}, { trace: later });
    expect((await server.nextRequest("model/list")).trace).toEqual(later);
  });
});
