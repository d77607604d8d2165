import { expect, test } from "@jest/globals";
import { AsyncLocalStorage } from "node:async_hooks";
import type { TraceContext } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { OtlpCollector } from "../support/otlp-collector.js";
import { RealStage } from "../support/real.js";
import { idOf, RecordedTelemetry } from "../support/recorded-telemetry.js";

// The server exports its spans some seconds later, and those that are left when it ends: each test closes it.

test("the server's spans hang under OpenTelemetry's of this process, without an option of the client", async () => {
  await using telemetry = new RecordedTelemetry();
  await using collector = await OtlpCollector.start();
  const stage = await RealStage.open({ config: collector.config });
  const codex = stage.codex();
  try {
    stage.model.enqueue(reply.text("Hi."));
    await telemetry.within("page", async () => {
      const thread = await codex.startThread();
      await thread.run("Hello");
    });
  } finally {
    await stage.close();
  }
  const page = telemetry.span("page");
  const { traceId } = page.spanContext();
  const agent = telemetry.span("invoke_agent codex");
  expect(collector.named("thread/start", traceId)).toMatchObject([{ parentSpanId: idOf(page) }]);
  expect(collector.named("turn/start", traceId)).toMatchObject([{ parentSpanId: idOf(agent) }]);
  // What the server does for the turn, and asks the model, is in the trace, too.
  expect(collector.named("session_task.turn", traceId)).toHaveLength(1);
  expect(collector.named("model_client.stream_responses_api", traceId)).toHaveLength(1);
});

test("they hang under what the client's traceContext gives, and under the trace of a call before that", async () => {
  await using collector = await OtlpCollector.start();
  const stage = await RealStage.open({ config: collector.config });
  const span = new AsyncLocalStorage<string>();
  const traceOf = (spanId: string, digit: string): TraceContext => ({
    traceparent: `00-${digit.repeat(32)}-${spanId}-01`,
  });
  const codex = stage.codex({
    traceContext: () => {
      const spanId = span.getStore();
      return spanId === undefined ? undefined : traceOf(spanId, "a");
    },
  });
  try {
    stage.model.enqueue(reply.text("Hi."), reply.text("Hi again."));
    const thread = await span.run("000000000000000a", () => codex.startThread());
    await span.run("000000000000000b", () => thread.run("Hello"));
    await span.run("000000000000000c", () =>
      thread.run("Again", { trace: traceOf("000000000000000d", "b") }),
    );
  } finally {
    await stage.close();
  }
  const [ours, ofCall] = ["a".repeat(32), "b".repeat(32)];
  const parents = (name: string, traceId: string) =>
    collector.named(name, traceId).map(({ parentSpanId }) => parentSpanId);
  expect(parents("thread/start", ours)).toEqual(["000000000000000a"]);
  expect(parents("turn/start", ours)).toEqual(["000000000000000b"]);
  expect(parents("turn/start", ofCall)).toEqual(["000000000000000d"]);
});
