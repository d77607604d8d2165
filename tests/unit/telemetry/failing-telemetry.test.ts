import { describe, expect, test } from "@jest/globals";
import { context, diag, DiagConsoleLogger } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { instrument } from "../../../lib/telemetry/index.js";
import { linked } from "../../support/linked-server.js";
import { RecordedTelemetry } from "../../support/recorded-telemetry.js";
import { turnCompleted, turnStarted, type Message } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const toolCall = { ...ids, callId: "call-1", namespace: null, tool: "find", arguments: {} };
const command = {
  type: "commandExecution",
  id: "cmd-1",
  command: "ls",
  cwd: "/",
  status: "failed",
};
const counts = {
  ...{ totalTokens: 17, inputTokens: 10, cachedInputTokens: 4 },
  ...{ outputTokens: 7, reasoningOutputTokens: 1 },
};
const events: readonly Message[] = [
  turnStarted(ids),
  { method: "item/started", params: { ...ids, item: command } },
  { id: 1, method: "item/commandExecution/requestApproval", params: { ...ids, itemId: "cmd-1" } },
  { id: 2, method: "item/tool/call", params: toolCall },
];
const endings: readonly Message[] = [
  { method: "item/completed", params: { ...ids, item: command } },
  {
    method: "thread/tokenUsage/updated",
    params: { ...ids, tokenUsage: { total: counts, last: counts, modelContextWindow: null } },
  },
  turnCompleted(ids),
];

/** The same object, but that one method of it, or of whatever its methods give, throws. */
function failing<Part extends object>(
  part: Part,
  method: string,
  onCall: (method: string) => void = () => undefined,
): Part {
  return new Proxy(part, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        onCall(String(name));
        if (name === method) throw new Error(`No ${method} today.`);
        const given: unknown = Reflect.apply(value, target, args);
        return typeof given === "object" && given !== null ? failing(given, method, onCall) : given;
      };
    },
  });
}

/** One turn with a command, an approval and a tool, while `instrument()` records it. */
async function runTurn(): Promise<void> {
  const tool = {
    ...{ name: "find", description: "Finds", inputSchema: { type: "object" } },
    execute: () => Promise.resolve("found"),
  };
  await using pair = await linked({ onApproval: "accept" });
  const thread = await pair.client.startThread({ tools: [tool] });
  const turn = thread.turn("Hello");
  await turn.started;
  pair.server.send(...events);
  // Its handlers have answered by then.
  await pair.client.request("model/list", {});
  await pair.client.request("model/list", {});
  pair.server.send(...endings);
  expect(await turn.run()).toMatchObject({ status: "completed" });
}

const figures = [
  ...["gen_ai.client.operation.duration", "gen_ai.invoke_agent.duration"],
  ...["gen_ai.invoke_agent.tool_calls", "gen_ai.execute_tool.duration"],
  ...["gen_ai.client.token.usage", "gen_ai.client.inference.usage.input_tokens"],
  ...["gen_ai.client.inference.usage.output_tokens", "codex.turn.active"],
  ...["codex.approval.duration"],
];

/** How often each figure was recorded, and which sums do not depend on the clock. */
async function figuresOf(telemetry: RecordedTelemetry): Promise<unknown> {
  const all = await Promise.all(figures.map((name) => telemetry.points(name)));
  return all.map((points, index) =>
    points.map(({ sum, count }) => [figures[index], count ?? sum] as const),
  );
}

function spansOf({ spans }: RecordedTelemetry): readonly string[] {
  return spans.map(({ name, attributes }) => {
    return `${name} ${String(attributes["error.type"] ?? "")}`;
  });
}

const expected = await (async () => {
  await using telemetry = new RecordedTelemetry({ requestSpans: true });
  await runTurn();
  return { spans: spansOf(telemetry), figures: await figuresOf(telemetry) };
})();

test("a turn has spans and figures, which the following is compared with", () => {
  expect(expected.spans).toEqual(
    expect.arrayContaining([
      "invoke_agent codex ",
      "execute_tool shell failed",
      "execute_tool find ",
    ]),
  );
  expect(JSON.stringify(expected.figures).match(/codex.approval.duration/g)).toHaveLength(1);
});

describe("neither the turn nor the figures suffer when spans fail in", () => {
  test.each([
    ...["startSpan", "setAttribute", "setAttributes", "setStatus", "addEvent", "spanContext"],
    "end",
  ])("%s()", async (method) => {
    await using telemetry = new RecordedTelemetry();
    telemetry.dispose();
    const { meterProvider } = telemetry;
    const tracerProvider = failing(telemetry.tracerProvider, method);
    using _ = instrument({ tracerProvider, meterProvider, requestSpans: true });
    await runTurn();
    expect(await figuresOf(telemetry)).toEqual(expected.figures);
    // The SDK itself asks a span for its context, and marks it as ended.
    if (["startSpan", "spanContext", "end"].includes(method)) return;
    expect(telemetry.spans).toHaveLength(expected.spans.length);
  });
});

describe("neither the turn nor the spans suffer when figures fail in", () => {
  test.each([
    ...["getMeter", "createHistogram", "createCounter", "createUpDownCounter"],
    ...["record", "add"],
  ])("%s()", async (method) => {
    await using telemetry = new RecordedTelemetry();
    telemetry.dispose();
    const { tracerProvider } = telemetry;
    const meterProvider = failing(telemetry.meterProvider, method);
    using _ = instrument({ tracerProvider, meterProvider, requestSpans: true });
    await runTurn();
    expect(spansOf(telemetry)).toEqual(expected.spans);
  });
});

test("one figure that fails takes no other with it", async () => {
  await using telemetry = new RecordedTelemetry();
  telemetry.dispose();
  const { tracerProvider } = telemetry;
  using _ = instrument({
    tracerProvider,
    meterProvider: failing(telemetry.meterProvider, "createUpDownCounter"),
  });
  await runTurn();
  const [active] = figures.slice(-2);
  const others = (JSON.parse(JSON.stringify(expected.figures)) as [string, number][][]).map(
    (points) => points.filter(([name]) => name !== active),
  );
  expect(await figuresOf(telemetry)).toEqual(others);
});

test.each([["setAttributes"], ["end"]])(
  "dispose() ends all open spans, and does not throw, though they throw in %s()",
  async (method) => {
    await using telemetry = new RecordedTelemetry();
    telemetry.dispose();
    const ended: string[] = [];
    const { meterProvider, tracerProvider } = telemetry;
    const instrumentation = instrument({
      tracerProvider: failing(tracerProvider, method, (called) => void ended.push(called)),
      meterProvider,
    });
    await using pair = await linked();
    const thread = await pair.client.startThread();
    const turn = thread.turn("Hello");
    await turn.started;
    pair.server.send(...events.slice(0, 2));
    await pair.client.request("model/list", {});
    ended.length = 0;
    instrumentation.dispose();
    expect(ended.filter((called) => called === "end")).toHaveLength(2);
    expect(await telemetry.points("codex.turn.active")).toMatchObject([{ sum: 0 }]);
  },
);

test("a provider that gives no tracer is told to whoever calls instrument(), and nothing has begun", async () => {
  await using telemetry = new RecordedTelemetry();
  telemetry.dispose();
  const { meterProvider } = telemetry;
  const tracerProvider = failing(telemetry.tracerProvider, "getTracer");
  expect(() => instrument({ tracerProvider, meterProvider })).toThrow("No getTracer today.");
  await runTurn();
  expect(await telemetry.points("codex.turn.active")).toEqual([]);
});

test.each([["active"], ["with"]])(
  "a context manager that throws in %s() costs neither turns, spans nor figures",
  async (method) => {
    await using telemetry = new RecordedTelemetry();
    telemetry.dispose();
    const { meterProvider } = telemetry;
    const names: string[] = [];
    // What the SDK exports with needs a context manager that works.
    const processor = {
      onStart: () => undefined,
      onEnd: ({ name }: ReadableSpan) => void names.push(name),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    };
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [processor] });
    using _ = instrument({ tracerProvider, meterProvider, requestSpans: true });
    context.disable();
    const manager = new AsyncLocalStorageContextManager();
    Object.assign(manager, {
      [method]: () => {
        throw new Error(`No ${method} today.`);
      },
    });
    context.setGlobalContextManager(manager);
    await runTurn();
    context.disable();
    expect(names).toHaveLength(expected.spans.length);
    expect(await figuresOf(telemetry)).toEqual(expected.figures);
  },
);

test("a logger of OpenTelemetry's that throws changes nothing of that", async () => {
  const logger = failing(new DiagConsoleLogger(), "error");
  diag.setLogger(logger, { suppressOverrideMessage: true });
  try {
    await using telemetry = new RecordedTelemetry();
    telemetry.dispose();
    const { meterProvider } = telemetry;
    const tracerProvider = failing(telemetry.tracerProvider, "end");
    using _ = instrument({ tracerProvider, meterProvider, requestSpans: true });
    await runTurn();
    expect(await figuresOf(telemetry)).toEqual(expected.figures);
  } finally {
    diag.disable();
  }
});
