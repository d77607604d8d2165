import { describe, expect, test } from "@jest/globals";
import { metrics, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { instrument } from "../../../lib/telemetry/index.js";
import { rejection } from "../../support/collect.js";
import { dataUrl, png } from "../../support/images.js";
import { linked, linkedThread } from "../../support/linked-server.js";
import { idOf, parentOf, RecordedTelemetry } from "../../support/recorded-telemetry.js";
import {
  textMessages,
  turnCompleted,
  turnStarted,
  type Message,
  type Params,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

function tokenUsage(turn: typeof ids, outputTokens: number): Message {
  const counts = {
    ...{ totalTokens: 10 + outputTokens, inputTokens: 10, cachedInputTokens: 4 },
    ...{ outputTokens, reasoningOutputTokens: 1 },
  };
  const usage = { total: counts, last: counts, modelContextWindow: null };
  return { method: "thread/tokenUsage/updated", params: { ...turn, tokenUsage: usage } };
}

function command(status: string, fields: Params = {}): Params {
  return {
    ...{ type: "commandExecution", id: "cmd-1", command: "rm secret", cwd: "/secret", status },
    ...{ processId: null, source: "agent", commandActions: [], aggregatedOutput: null },
    ...{ exitCode: null, durationMs: null, ...fields },
  };
}

function item(stage: "started" | "completed", content: Params, turn = ids): Message {
  return { method: `item/${stage}`, params: { ...turn, item: content } };
}

function spawnOf(sender: string, receiver: string, status = "inProgress"): Params {
  return {
    ...{ type: "collabAgentToolCall", id: `spawn-${receiver}`, tool: "spawnAgent", status },
    ...{ senderThreadId: sender, receiverThreadIds: [receiver], prompt: "A secret" },
    ...{ model: "mini", reasoningEffort: null, agentsStates: {} },
  };
}

const tool = (execute: () => unknown) => ({
  ...{ name: "find", description: "Finds", inputSchema: { type: "object" } },
  execute: async () => (await execute()) as string,
});

const call = {
  ...ids,
  callId: "call-1",
  namespace: null,
  tool: "find",
  arguments: { q: "secret" },
};

const toolItem = (status: string) => ({
  ...{ type: "dynamicToolCall", id: "call-1", namespace: null, tool: "find" },
  ...{ arguments: { q: "secret" }, status, contentItems: null, success: null, durationMs: null },
});

describe("a turn", () => {
  test("is a span under the one that is active where it is begun, with what it has used", async () => {
    await using telemetry = new RecordedTelemetry();
    await using pair = await linkedThread();
    await telemetry.within("request", async () => {
      const turn = pair.thread.turn("A secret question");
      await turn.started;
      pair.server.send(turnStarted(ids), ...textMessages({ ...ids, text: "A secret answer" }));
      pair.server.send(tokenUsage(ids, 7), turnCompleted(ids));
      await turn.run();
    });
    const span = telemetry.span("invoke_agent codex");
    expect(parentOf(span)).toBe(idOf(telemetry.span("request")));
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).toEqual({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.provider.name": "openai",
      "gen_ai.agent.name": "codex",
      "gen_ai.conversation.id": "thread-1",
      "gen_ai.request.model": "mock-model",
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.output_tokens": 7,
      "gen_ai.usage.cache_read.input_tokens": 4,
      "gen_ai.usage.reasoning.output_tokens": 1,
      "codex.turn.id": "turn-1",
      "codex.turn.method": "turn/start",
      "codex.turn.status": "completed",
    });
    // Its request went out with its trace.
    const { trace: sent } = pair.server.requests.at(-1) ?? {};
    const { traceId, spanId } = span.spanContext();
    expect(sent).toEqual({ traceparent: `00-${traceId}-${spanId}-01` });
    expect(await telemetry.everything()).not.toContain("secret");
  });

  test("is counted once: its duration, its tool calls, its tokens by type", async () => {
    await using telemetry = new RecordedTelemetry();
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    expect(await telemetry.points("codex.turn.active")).toMatchObject([{ sum: 1 }]);
    // Another handle of the same turn.
    pair.server.send(turnStarted(ids));
    pair.server.handle("turn/start", () => ({ turn: { id: "turn-1", items: [] } }));
    const second = pair.thread.turn("And more", { whenBusy: "steer" });
    await second.started;
    pair.server.send(item("started", command("inProgress")));
    pair.server.send(item("completed", command("completed", { exitCode: 0 })));
    pair.server.send(tokenUsage(ids, 7), turnCompleted(ids));
    await Promise.all([turn.run(), second.run()]);
    const shared = {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "mock-model",
    };
    const agent = { ...shared, "gen_ai.agent.name": "codex" };
    expect(await telemetry.points("gen_ai.client.operation.duration")).toMatchObject([
      { attributes: shared, count: 1 },
    ]);
    expect(await telemetry.points("gen_ai.invoke_agent.duration")).toMatchObject([
      { attributes: agent, count: 1 },
    ]);
    expect(await telemetry.points("gen_ai.invoke_agent.tool_calls")).toMatchObject([
      { attributes: agent, sum: 1, count: 1 },
    ]);
    expect(await telemetry.points("gen_ai.client.token.usage")).toEqual([
      { attributes: { ...shared, "gen_ai.token.type": "input" }, sum: 10, count: 1 },
      { attributes: { ...shared, "gen_ai.token.type": "output" }, sum: 7, count: 1 },
    ]);
    const sums = await Promise.all(
      ["input_tokens", "output_tokens", "cache_read.input_tokens", "reasoning.output_tokens"].map(
        async (name) => (await telemetry.points(`gen_ai.client.inference.usage.${name}`))[0]?.sum,
      ),
    );
    expect(sums).toEqual([10, 7, 4, 1]);
    expect(await telemetry.points("codex.turn.active")).toMatchObject([{ sum: 0 }]);
    expect(telemetry.spans.filter(({ name }) => name === "execute_tool shell")).toHaveLength(1);
  });

  test("that fails is an error of the server's own type, without its words", async () => {
    await using telemetry = new RecordedTelemetry();
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    const error = {
      message: "secret",
      codexErrorInfo: "usageLimitExceeded",
      additionalDetails: null,
    };
    pair.server.send(turnStarted(ids), turnCompleted(ids, { status: "failed", error }));
    await rejection(turn.run());
    const span = telemetry.span("invoke_agent codex");
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(span.attributes).toMatchObject({
      "error.type": "usageLimitExceeded",
      "codex.turn.status": "failed",
    });
    expect(await telemetry.points("gen_ai.invoke_agent.duration")).toMatchObject([
      { attributes: { "error.type": "usageLimitExceeded" } },
    ]);
    expect(await telemetry.everything()).not.toContain("secret");
  });

  test("that is interrupted is no error; a command that it has left open was cancelled", async () => {
    await using telemetry = new RecordedTelemetry();
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    pair.server.send(turnStarted(ids), item("started", command("inProgress")));
    pair.server.send(turnCompleted(ids, { status: "interrupted" }));
    await turn.run();
    const span = telemetry.span("invoke_agent codex");
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).toMatchObject({ "codex.turn.status": "interrupted" });
    expect(telemetry.span("execute_tool shell").attributes).toMatchObject({
      "error.type": "cancelled",
    });
  });

  test("of a sub-agent is a span below the one that has started it", async () => {
    await using telemetry = new RecordedTelemetry();
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Delegate");
    await turn.started;
    const child = { threadId: "child-1", turnId: "child-turn" };
    pair.server.send(
      turnStarted(ids),
      item("started", spawnOf("thread-1", "child-1")),
      turnStarted(child),
      item("started", command("inProgress"), child),
      item("completed", command("failed", { exitCode: 2 }), child),
      tokenUsage(child, 3),
      turnCompleted(child),
      item("completed", spawnOf("thread-1", "child-1", "completed")),
      tokenUsage(ids, 5),
      turnCompleted(ids),
    );
    await turn.run();
    const [sub, root] = telemetry.spans.filter(({ name }) => name === "invoke_agent codex");
    if (!sub || !root) throw new Error("There are no two spans.");
    expect(parentOf(sub)).toBe(idOf(root));
    expect(sub.kind).toBe(SpanKind.INTERNAL);
    expect(sub.attributes).toMatchObject({
      "gen_ai.conversation.id": "child-1",
      "gen_ai.request.model": "mini",
      "gen_ai.usage.output_tokens": 3,
      "codex.agent.depth": 1,
    });
    expect(root.attributes).toMatchObject({ "gen_ai.usage.output_tokens": 5 });
    const shell = telemetry.span("execute_tool shell");
    expect(parentOf(shell)).toBe(idOf(sub));
    expect(shell.attributes).toMatchObject({ "error.type": "failed", "process.exit.code": 2 });
    expect(parentOf(telemetry.span("execute_tool spawnAgent"))).toBe(idOf(root));
    const tokens = await telemetry.points("gen_ai.client.inference.usage.output_tokens");
    expect(tokens.map(({ sum }) => sum).sort()).toEqual([3, 5]);
    // Only what was asked for from here is an operation of the client.
    expect(await telemetry.points("gen_ai.client.operation.duration")).toMatchObject([
      { count: 1 },
    ]);
    expect(await telemetry.everything()).not.toContain("secret");
  });

  test("of a sub-agent is below the turn that has started it, also when that is over by then", async () => {
    await using telemetry = new RecordedTelemetry();
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Delegate");
    await turn.started;
    const child = { threadId: "child-1", turnId: "child-turn" };
    const grandchild = { threadId: "grandchild-1", turnId: "grandchild-turn" };
    pair.server.send(
      turnStarted(ids),
      item("started", spawnOf("thread-1", "child-1")),
      turnStarted(child),
      item("started", spawnOf("child-1", "grandchild-1"), child),
      item("completed", spawnOf("child-1", "grandchild-1", "completed"), child),
      turnCompleted(child),
      turnStarted(grandchild),
      turnCompleted(grandchild),
      turnCompleted(ids),
    );
    await turn.run();
    const [sub, ofSub] = telemetry.spans.filter(({ name }) => name === "invoke_agent codex");
    if (!sub || !ofSub) throw new Error("There are no two spans.");
    expect(parentOf(ofSub)).toBe(idOf(sub));
    expect(ofSub.attributes).toMatchObject({ "codex.agent.depth": 2 });
  });

  test("of a sub-agent is known as one when the turn that has started it is not shown", async () => {
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Delegate");
    await turn.started;
    await using telemetry = new RecordedTelemetry();
    const child = { threadId: "child-1", turnId: "child-turn" };
    pair.server.send(turnStarted(ids), item("started", spawnOf("thread-1", "child-1")));
    pair.server.send(turnStarted(child), turnCompleted(child), turnCompleted(ids));
    await turn.run();
    const sub = telemetry.span("invoke_agent codex");
    expect(sub.kind).toBe(SpanKind.INTERNAL);
    expect(sub.attributes).toMatchObject({ "codex.agent.depth": 1 });
    expect(await telemetry.points("gen_ai.invoke_agent.duration")).toMatchObject([{ count: 1 }]);
    expect(await telemetry.points("gen_ai.client.operation.duration")).toEqual([]);
  });

  test("has neither images nor sounds that tools got and gave", async () => {
    await using telemetry = new RecordedTelemetry({ captureContent: true });
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Look");
    await turn.started;
    const bytes = "iVBORw0KGgoAAAANSUhEUg";
    const url = `data:image/png;base64,${bytes}`;
    const content = [
      { type: "text", text: "A cat" },
      { type: "image", data: bytes, mimeType: "image/png" },
      { type: "audio", data: bytes, mimeType: "audio/wav" },
      { type: "resource", resource: { uri: "cat://1", mimeType: "image/png", blob: bytes } },
    ];
    const mcp = {
      ...{ type: "mcpToolCall", id: "mcp-1", server: "cats", tool: "show", status: "completed" },
      ...{ arguments: { image: url }, result: { content, structuredContent: { image: url } } },
      ...{ error: null, durationMs: null },
    };
    const contentItems = [
      { type: "inputText", text: "A dog" },
      { type: "inputImage", imageUrl: url },
    ];
    pair.server.send(
      turnStarted(ids),
      item("completed", mcp),
      item("completed", { ...toolItem("completed"), contentItems }),
      turnCompleted(ids),
    );
    await turn.run();
    const result = "gen_ai.tool.call.result";
    const ofMcp = telemetry.span("execute_tool show").attributes[result];
    expect((JSON.parse(String(ofMcp)) as { content: unknown }).content).toEqual([
      { type: "text", text: "A cat" },
      { type: "image", mimeType: "image/png" },
      { type: "audio", mimeType: "audio/wav" },
      { type: "resource", resource: { uri: "cat://1", mimeType: "image/png" } },
    ]);
    const ofTool = telemetry.span("execute_tool find").attributes[result];
    expect(JSON.parse(String(ofTool))).toEqual([
      { type: "inputText", text: "A dog" },
      { type: "inputImage", imageUrl: "data:image/png" },
    ]);
    expect(await telemetry.everything()).not.toContain(bytes);
  });

  test("has what was said, and what tools got and gave, when that is asked for", async () => {
    await using telemetry = new RecordedTelemetry({ captureContent: true });
    await using pair = await linkedThread();
    const turn = pair.thread.turn(["Look", { type: "image", url: dataUrl("image/png", png) }]);
    await turn.started;
    pair.server.send(turnStarted(ids), item("started", command("inProgress")));
    const done = command("completed", { aggregatedOutput: "gone", exitCode: 0 });
    pair.server.send(item("completed", done), ...textMessages({ ...ids, text: "Done." }));
    pair.server.send(turnCompleted(ids));
    await turn.run();
    const { attributes } = telemetry.span("invoke_agent codex");
    expect(JSON.parse(String(attributes["gen_ai.input.messages"]))).toEqual([
      { role: "user", parts: [{ type: "text", content: "Look" }, { type: "image" }] },
    ]);
    expect(JSON.parse(String(attributes["gen_ai.output.messages"]))).toEqual([
      { role: "assistant", parts: [{ type: "text", content: "Done." }], finish_reason: "stop" },
    ]);
    expect(telemetry.span("execute_tool shell").attributes).toMatchObject({
      "gen_ai.tool.call.arguments": '{"command":"rm secret","cwd":"/secret"}',
      "gen_ai.tool.call.result": "gone",
    });
  });
});

describe("an approval", () => {
  test("is two events on the span of its command, with the time that it took, and a figure", async () => {
    await using telemetry = new RecordedTelemetry();
    const seen: unknown[] = [];
    await using pair = await linkedThread({
      onApproval: async () => {
        await Promise.resolve();
        seen.push(trace.getActiveSpan()?.spanContext().spanId);
        return "accept" as const;
      },
    });
    const turn = pair.thread.turn("Hello");
    await turn.started;
    pair.server.send(turnStarted(ids), item("started", command("inProgress")));
    const params = { ...ids, itemId: "cmd-1", command: "rm secret", cwd: "/secret" };
    pair.server.send({ id: 1, method: "item/commandExecution/requestApproval", params });
    await pair.client.request("model/list", {});
    await pair.client.request("model/list", {});
    pair.server.send(item("completed", command("completed", { exitCode: 0 })), turnCompleted(ids));
    await turn.run();
    const shell = telemetry.span("execute_tool shell");
    expect(seen).toEqual([idOf(shell)]);
    expect(shell.events).toMatchObject([
      { name: "codex.approval.requested", attributes: { "codex.approval.kind": "command" } },
      {
        name: "codex.approval.answered",
        attributes: {
          "codex.approval.kind": "command",
          "codex.approval.outcome": "answered",
          "codex.approval.decision": "accept",
          "codex.approval.wait_duration": expect.any(Number),
        },
      },
    ]);
    expect(await telemetry.points("codex.approval.duration")).toMatchObject([
      { count: 1, attributes: { "codex.approval.decision": "accept" } },
    ]);
    expect(await telemetry.everything()).not.toContain("secret");
  });
});

describe("a tool of this process", () => {
  test("runs within the span of its call, so that the application's own spans hang under it", async () => {
    await using telemetry = new RecordedTelemetry();
    await using pair = await linked();
    const tools = [tool(() => telemetry.within("query", () => Promise.resolve("a secret")))];
    const thread = await pair.client.startThread({ tools });
    const turn = thread.turn("Hello");
    await turn.started;
    pair.server.send(turnStarted(ids), item("started", toolItem("inProgress")));
    pair.server.send({ id: 1, method: "item/tool/call", params: call });
    await pair.client.request("model/list", {});
    await pair.client.request("model/list", {});
    pair.server.send(item("completed", toolItem("completed")), turnCompleted(ids));
    await turn.run();
    const span = telemetry.span("execute_tool find");
    expect(parentOf(span)).toBe(idOf(telemetry.span("invoke_agent codex")));
    expect(parentOf(telemetry.span("query"))).toBe(idOf(span));
    expect(span.attributes).toMatchObject({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "find",
      "gen_ai.tool.type": "function",
      "gen_ai.tool.call.id": "call-1",
    });
    expect(await telemetry.points("gen_ai.execute_tool.duration")).toMatchObject([
      { count: 1, attributes: { "gen_ai.tool.name": "find" } },
    ]);
    expect(await telemetry.everything()).not.toContain("secret");
  });

  test("has the type of what it throws, also where its item is not shown", async () => {
    await using telemetry = new RecordedTelemetry();
    await using pair = await linked({ onError: () => undefined });
    const tools = [tool(() => Promise.reject(new TypeError("secret")))];
    await pair.client.startThread({ tools });
    pair.server.send({ id: 1, method: "item/tool/call", params: call });
    await pair.client.request("model/list", {});
    await pair.client.request("model/list", {});
    const span = telemetry.span("execute_tool find");
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR });
    expect(span.attributes).toMatchObject({ "error.type": "TypeError" });
    expect(await telemetry.everything()).not.toContain("secret");
  });
});

describe("requests", () => {
  test("go out with the trace of the active span, and without one outside of any", async () => {
    await using telemetry = new RecordedTelemetry();
    await using pair = await linked();
    await pair.client.request("model/list", {});
    await telemetry.within("page", () => pair.client.request("thread/list", {}));
    const traces = pair.server.requests.map(({ trace: sent }) => sent);
    const { traceId, spanId } = telemetry.span("page").spanContext();
    expect(traces.slice(-2)).toEqual([undefined, { traceparent: `00-${traceId}-${spanId}-01` }]);
  });

  test("keep the trace that the call or the client gives", async () => {
    await using telemetry = new RecordedTelemetry();
    const own = { traceparent: "00-11111111111111111111111111111111-2222222222222222-01" };
    await using pair = await linked({ traceContext: () => own });
    await telemetry.within("page", () => pair.client.request("thread/list", {}));
    expect(pair.server.requests.at(-1)?.trace).toEqual(own);
  });

  test("have spans of their own when that is asked for", async () => {
    await using telemetry = new RecordedTelemetry({ requestSpans: true });
    await using pair = await linkedThread();
    await telemetry.within("page", () => pair.thread.read());
    const span = telemetry.span("thread/read");
    expect(parentOf(span)).toBe(idOf(telemetry.span("page")));
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.attributes).toMatchObject({
      "rpc.system.name": "jsonrpc",
      "rpc.method": "thread/read",
      "gen_ai.conversation.id": "thread-1",
    });
    const { traceId, spanId } = span.spanContext();
    const sent = pair.server.requests.at(-1)?.trace;
    expect(sent).toEqual({ traceparent: `00-${traceId}-${spanId}-01` });
  });
});

describe("instrument()", () => {
  test("is shared by calls with the same providers, until all are disposed of", async () => {
    await using telemetry = new RecordedTelemetry();
    const { tracerProvider, meterProvider } = telemetry;
    const second = instrument({ tracerProvider, meterProvider });
    await using pair = await linkedThread();
    const run = async (turnId: string): Promise<void> => {
      const turn = pair.thread.turn("Hello");
      await turn.started;
      pair.server.turn({ threadId: "thread-1", turnId, text: "Hi." });
      await turn.run();
    };
    await run("turn-1");
    expect(telemetry.spans).toHaveLength(1);
    telemetry.dispose();
    telemetry.dispose();
    await run("turn-2");
    expect(telemetry.spans).toHaveLength(2);
    second.dispose();
    await run("turn-3");
    expect(telemetry.spans).toHaveLength(2);
  });

  test("cannot be called with the same providers and other options", async () => {
    await using telemetry = new RecordedTelemetry();
    const { tracerProvider, meterProvider } = telemetry;
    const again = () => instrument({ tracerProvider, meterProvider, captureContent: true });
    expect(again).toThrow("captureContent must be as in the other instrument()");
  });

  test("called with other providers records beside the first, each with parents of its own", async () => {
    await using first = new RecordedTelemetry();
    await using second = new RecordedTelemetry();
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    pair.server.send(turnStarted(ids), item("started", command("inProgress")), turnCompleted(ids));
    await turn.run();
    for (const { spans } of [first, second]) {
      const [shell, agent] = spans;
      if (!shell || !agent) throw new Error("A span is missing.");
      expect(spans).toHaveLength(2);
      expect(parentOf(shell)).toBe(idOf(agent));
      expect(parentOf(agent)).toBeUndefined();
    }
  });

  test("ends the open spans when it is disposed of in the middle of a turn, which goes on", async () => {
    await using telemetry = new RecordedTelemetry();
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    pair.server.send(turnStarted(ids), item("started", command("inProgress")));
    await pair.client.request("model/list", {});
    telemetry.dispose();
    expect(
      telemetry.spans.map(({ name, attributes }) => [name, attributes["codex.cut_short"]]),
    ).toEqual([
      ["invoke_agent codex", true],
      ["execute_tool shell", true],
    ]);
    expect(await telemetry.points("codex.turn.active")).toMatchObject([{ sum: 0 }]);
    pair.server.send(item("completed", command("completed")), turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ status: "completed" });
    expect(telemetry.spans).toHaveLength(2);
  });

  test("sees nothing of a turn that had begun before it was called, and the turn goes on", async () => {
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    await using telemetry = new RecordedTelemetry();
    pair.server.send(turnStarted(ids), item("started", command("inProgress")), turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ status: "completed" });
    expect(telemetry.spans).toEqual([]);
  });

  test("counts a turn down where it was counted up, when a meter provider is registered in between", async () => {
    using _ = instrument();
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    await using telemetry = new RecordedTelemetry({ providerName: "another" });
    metrics.setGlobalMeterProvider(telemetry.meterProvider);
    try {
      pair.server.turn({ ...ids, text: "Hi." });
      await turn.run();
      expect(await telemetry.points("gen_ai.invoke_agent.duration")).toMatchObject([{ count: 1 }]);
      expect(await telemetry.points("codex.turn.active")).toEqual([]);
    } finally {
      metrics.disable();
    }
  });

  test("works without an SDK: nothing is sent, and nothing fails", async () => {
    using _ = instrument();
    await using pair = await linkedThread({ onApproval: "accept" });
    const turn = pair.thread.turn("Hello");
    await turn.started;
    pair.server.send(turnStarted(ids), item("started", command("inProgress")));
    pair.server.send(item("completed", command("completed")), turnCompleted(ids));
    expect(await turn.run()).toMatchObject({ status: "completed" });
    expect(pair.server.requests.map(({ trace: sent }) => sent).filter(Boolean)).toEqual([]);
  });

  test("does not break what it looks at when a provider throws", async () => {
    const tracerProvider = {
      getTracer: () => ({
        startSpan: () => {
          throw new Error("No spans today.");
        },
        startActiveSpan: () => undefined,
      }),
    };
    using _ = instrument({ tracerProvider: tracerProvider });
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hello");
    await turn.started;
    pair.server.turn({ ...ids, text: "Hi." });
    expect(await turn.run()).toMatchObject({ status: "completed" });
  });

  test.each([
    [{ captureContents: true }, "captureContents"],
    [{ captureContent: "yes" }, "captureContent"],
    [{ tracerProvider: "mine" }, "tracerProvider"],
    [{ providerName: "" }, "providerName"],
  ])("refuses %j", (options, argument) => {
    expect(() => instrument(options as never)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument }),
    );
  });
});
