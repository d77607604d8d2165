/**
 * From a user's request to its turn, its span and its tokens: one line of log for each turn, made from Node's
 * diagnostics channels, and spans of OpenTelemetry, with the commands and tools of the agent below them.
 */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { Codex, type TurnOperation } from "codex-app-server-sdk";
import { instrument } from "codex-app-server-sdk/telemetry";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

// What an application has anyway: OpenTelemetry's SDK, here with spans that stay in memory.
const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
);
using telemetry = instrument();

// One line for each turn. `start` is published where the turn is begun: there the request is known.
const requestId = new AsyncLocalStorage<string>();
const requestOf = new WeakMap<TurnOperation, string>();
const lines: Record<string, unknown>[] = [];
subscribe("tracing:codex-app-server-sdk:turn:start", (message) => {
  requestOf.set(message as TurnOperation, requestId.getStore() ?? "none");
});
subscribe("tracing:codex-app-server-sdk:turn:asyncEnd", (message) => {
  const turn = message as TurnOperation;
  const { threadId, turnId, model, status, errorType, usage } = turn;
  const { traceId, spanId } = telemetry.spanOf(turn)?.spanContext() ?? {};
  const ids = { requestId: requestOf.get(turn), threadId, turnId, traceId, spanId };
  const line = { ...ids, model, status, errorType, usage };
  lines.push(line);
  console.log(JSON.stringify(line));
});

const model = await startLoopbackModel();
const codex = new Codex({ ...(await configFor(model)), onApproval: "accept" });
try {
  // Two requests at the same time, as a web server has them.
  const answer = (id: string, prompt: string): Promise<void> =>
    requestId.run(id, () =>
      trace.getTracer("app").startActiveSpan(`POST /ask ${id}`, async (span) => {
        const thread = await codex.startThread({ approvalPolicy: "untrusted" });
        model.enqueueFor(thread.id, reply.shell("node --version"), reply.text("Done."));
        await thread.run(prompt);
        span.end();
      }),
    );
  await Promise.all([
    answer("request-1", "Which Node.js is this?"),
    answer("request-2", "And now?"),
  ]);
} finally {
  await codex.close();
  await model.close();
}

const spans = exporter.getFinishedSpans();
for (const line of lines) {
  const agent = spans.find((span) => span.spanContext().spanId === line["spanId"]);
  const parentId = agent?.parentSpanContext?.spanId;
  const parent = spans.find((span) => span.spanContext().spanId === parentId);
  const shell = spans.find(({ parentSpanContext }) => parentSpanContext?.spanId === line["spanId"]);
  assert.equal(parent?.name, `POST /ask ${String(line["requestId"])}`);
  assert.equal(agent?.attributes["codex.turn.id"], line["turnId"]);
  assert.equal(shell?.name, "execute_tool shell");
  assert.equal(shell.events.at(-1)?.attributes?.["codex.approval.decision"], "accept");
}
assert.deepEqual(lines.map((line) => line["requestId"]).sort(), ["request-1", "request-2"]);
console.log("Each turn was found by its request, and its span by the turn: completed.");
