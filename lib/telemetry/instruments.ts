import {
  metrics as api,
  type Attributes,
  type MeterProvider,
  type MetricOptions,
} from "@opentelemetry/api";
import { SDK_VERSION } from "../version.js";
import { attempt, guarded } from "./guarded.js";
import { buckets, metrics, own } from "./semantic-conventions.js";

/** A figure of how things are spread. */
interface Spread {
  record(value: number, attributes: Attributes): void;
}

/** A figure that is added up. */
export interface Sum {
  add(value: number, attributes?: Attributes): void;
}

/** The instruments of one meter; one that fails takes no other with it. */
interface InstrumentSet {
  readonly operationDuration: Spread;
  readonly agentDuration: Spread;
  readonly agentToolCalls: Spread;
  readonly toolDuration: Spread;
  readonly tokenUsage: Spread;
  readonly inputTokens: Sum;
  readonly outputTokens: Sum;
  readonly cachedInputTokens: Sum;
  readonly reasoningOutputTokens: Sum;
  readonly activeTurns: Sum;
  readonly approvalDuration: Spread;
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
      this.#set = createSet(provider);
    }
    return this.#set;
  }
}

function createSet(provider: MeterProvider): InstrumentSet {
  const meter = attempt(() => provider.getMeter(scopeName, SDK_VERSION));
  const histogram = (
    name: string,
    unit: string,
    boundaries: readonly number[],
    description: string,
  ): Spread => {
    const options = { unit, description, advice: { explicitBucketBoundaries: [...boundaries] } };
    const made = attempt(() => meter?.createHistogram(name, options));
    return { record: guarded((...recorded) => made?.record(...recorded)) };
  };
  const sum = (
    kind: "createCounter" | "createUpDownCounter",
    name: string,
    options: MetricOptions,
  ): Sum => {
    const made = attempt(() => meter?.[kind](name, options));
    return { add: guarded((...added) => made?.add(...added)) };
  };
  const tokens = (name: string, description: string): Sum =>
    sum("createCounter", name, { unit: "{token}", description });
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
    activeTurns: sum("createUpDownCounter", own.activeTurns, {
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
