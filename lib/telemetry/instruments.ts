import {
  metrics as api,
  type Counter,
  type Histogram,
  type Meter,
  type MeterProvider,
  type UpDownCounter,
} from "@opentelemetry/api";
import { SDK_VERSION } from "../version.js";
import { buckets, metrics, own } from "./semantic-conventions.js";

/** The instruments of one meter. */
interface InstrumentSet {
  readonly operationDuration: Histogram;
  readonly agentDuration: Histogram;
  readonly agentToolCalls: Histogram;
  readonly toolDuration: Histogram;
  readonly tokenUsage: Histogram;
  readonly inputTokens: Counter;
  readonly outputTokens: Counter;
  readonly cachedInputTokens: Counter;
  readonly reasoningOutputTokens: Counter;
  readonly activeTurns: UpDownCounter;
  readonly approvalDuration: Histogram;
}

export const scopeName = "codex-app-server-sdk";

/**
 * The instruments of the meter provider that was given, or else of the one that is registered. That may be registered
 * later than this is made, and a meter of the API's own would record nothing for good: hence it is looked up each time.
 */
export class Instruments {
  readonly #given: MeterProvider | undefined;
  #provider: MeterProvider | undefined;
  #set: InstrumentSet | undefined;

  constructor(given: MeterProvider | undefined) {
    this.#given = given;
  }

  get current(): InstrumentSet {
    const provider = this.#given ?? api.getMeterProvider();
    if (!this.#set || provider !== this.#provider) {
      this.#provider = provider;
      this.#set = createSet(provider.getMeter(scopeName, SDK_VERSION));
    }
    return this.#set;
  }
}

function createSet(meter: Meter): InstrumentSet {
  const histogram = (
    name: string,
    unit: string,
    boundaries: readonly number[],
    description: string,
  ) => {
    const advice = { explicitBucketBoundaries: [...boundaries] };
    return meter.createHistogram(name, { unit, description, advice });
  };
  const tokens = (name: string, description: string) =>
    meter.createCounter(name, { unit: "{token}", description });
  const { operationDuration, invokeAgentDuration, invokeAgentToolCalls } = metrics;
  return {
    operationDuration: histogram(
      operationDuration,
      "s",
      buckets.operation,
      "GenAI operation duration.",
    ),
    agentDuration: histogram(invokeAgentDuration, "s", buckets.agent, "Duration of a turn."),
    agentToolCalls: histogram(
      ...([
        invokeAgentToolCalls,
        "{tool_call}",
        buckets.toolCalls,
        "Tool calls of a turn.",
      ] as const),
    ),
    toolDuration: histogram(
      ...([
        metrics.executeToolDuration,
        "s",
        buckets.operation,
        "Duration of a tool call.",
      ] as const),
    ),
    tokenUsage: histogram(metrics.tokenUsage, "{token}", buckets.tokens, "Tokens of a turn."),
    inputTokens: tokens(metrics.inputTokens, "Input tokens, cached ones included."),
    outputTokens: tokens(metrics.outputTokens, "Output tokens, reasoning included."),
    cachedInputTokens: tokens(metrics.cachedInputTokens, "Input tokens that were cached."),
    reasoningOutputTokens: tokens(metrics.reasoningOutputTokens, "Output tokens of reasoning."),
    activeTurns: meter.createUpDownCounter(own.activeTurns, {
      unit: "{turn}",
      description: "Turns that are under way or wait for their thread.",
    }),
    approvalDuration: histogram(
      ...([
        own.approvalDuration,
        "s",
        buckets.approval,
        "How long the server waited for a person.",
      ] as const),
    ),
  };
}
