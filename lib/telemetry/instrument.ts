import type { MeterProvider, Span, TracerProvider } from "@opentelemetry/api";
import { checkOptions } from "../errors/check-options.js";
import { checkFields, flag, object, text, type RulesOf } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import type { TurnOperation } from "../index.js";
import { listen } from "./listeners.js";
import { Recording } from "./recording.js";
import { Subscriptions } from "./subscriptions.js";

/** Options of `instrument()`. */
export interface InstrumentOptions {
  /** Where spans go (default: the provider that is registered with `@opentelemetry/api`, now or later). */
  tracerProvider?: TracerProvider | undefined;
  /** Where figures go (default: the same). */
  meterProvider?: MeterProvider | undefined;
  /**
   * Whether spans hold what users and the model say, commands, and what tools are called with and give (default false).
   * Images and sounds never are in spans.
   */
  captureContent?: boolean | undefined;
  /**
   * Whether each request to the server has a span of its own (default false): then the server's spans hang under that,
   * and not under the span in which the request is sent.
   */
  requestSpans?: boolean | undefined;
  /** The value of `gen_ai.provider.name` (default `"openai"`): whose model the server asks. */
  providerName?: string | undefined;
}

/** What `instrument()` has begun. */
export interface Instrumentation extends Disposable {
  /**
   * Ends it, and the spans that are open, with `codex.cut_short`. What runs goes on, unseen. Calling it again does
   * nothing.
   */
  dispose(): void;
  /** The span of a turn, as `codex-app-server-sdk:turn` shows it; undefined for one that was begun before. */
  spanOf(turn: TurnOperation): Span | undefined;
}

const rules: RulesOf<InstrumentOptions> = {
  tracerProvider: { ...object, problem: "must be a tracer provider of OpenTelemetry" },
  meterProvider: { ...object, problem: "must be a meter provider of OpenTelemetry" },
  captureContent: flag,
  requestSpans: flag,
  providerName: text,
};

/** An instrumentation that is in force, and how many calls hold it. */
interface Shared {
  readonly options: InstrumentOptions;
  readonly end: () => void;
  readonly spanOf: (turn: TurnOperation) => Span | undefined;
  holders: number;
}

const inForce = new Set<Shared>();

/**
 * Records what all clients in this process do, with OpenTelemetry: a span for each turn (`invoke_agent`), under the one
 * that is active where the turn is begun, with its sub-agents and tool calls (`execute_tool`) below it and approvals as
 * events; figures of durations, tokens and approvals; and the trace of the active span goes out with every request. Tools
 * and handlers of yours run within the span of what they are called for. Names follow OpenTelemetry's conventions for
 * generative AI.
 *
 * Call it once, when the process starts. A second call with the same providers shares what the first has begun, so that
 * nothing is recorded twice, until both are disposed of; its other options must be the same.
 *
 * @throws InvalidArgumentError
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  checkOptions("instrument()", options, rules);
  checkFields(options, rules);
  const shared = sharedWith(options) ?? begin(options);
  shared.holders += 1;
  let isOver = false;
  const dispose = (): void => {
    if (isOver) return;
    isOver = true;
    shared.holders -= 1;
    if (shared.holders > 0) return;
    inForce.delete(shared);
    shared.end();
  };
  return { dispose, [Symbol.dispose]: dispose, spanOf: shared.spanOf };
}

function sharedWith(options: InstrumentOptions): Shared | undefined {
  const { tracerProvider, meterProvider } = options;
  for (const shared of inForce) {
    const { options: other } = shared;
    if (other.tracerProvider !== tracerProvider || other.meterProvider !== meterProvider) continue;
    const differing = (["captureContent", "requestSpans", "providerName"] as const).find(
      (name) => (other[name] ?? defaults[name]) !== (options[name] ?? defaults[name]),
    );
    if (differing === undefined) return shared;
    throw new InvalidArgumentError(
      differing,
      "must be as in the other instrument() with the same providers, which is in force: dispose of that first",
    );
  }
  return undefined;
}

const defaults = { captureContent: false, requestSpans: false, providerName: "openai" };

function begin(options: InstrumentOptions): Shared {
  const { tracerProvider, meterProvider } = options;
  const recording = new Recording({
    ...{ tracerProvider, meterProvider },
    captureContent: options.captureContent ?? defaults.captureContent,
    requestSpans: options.requestSpans ?? defaults.requestSpans,
    providerName: options.providerName ?? defaults.providerName,
  });
  const subscriptions = new Subscriptions();
  const spanOf = listen(recording, subscriptions);
  const end = (): void => {
    subscriptions.end();
    recording.open.endAll();
  };
  const shared: Shared = { options: { ...options }, end, spanOf, holders: 0 };
  inForce.add(shared);
  return shared;
}
