import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-base";
import { instrument, type InstrumentOptions } from "../../lib/telemetry/index.js";

interface Point {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of a counter the sum, of a histogram all that was recorded. */
  readonly sum: number;
  /** Of a histogram, how many were recorded. */
  readonly count: number | undefined;
}

/** OpenTelemetry's own SDK, which keeps in memory what it would export; `instrument()` writes to it. Dispose of it. */
export class RecordedTelemetry implements AsyncDisposable {
  readonly tracerProvider: BasicTracerProvider;
  readonly meterProvider: MeterProvider;
  readonly #spans = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #manager = new AsyncLocalStorageContextManager().enable();
  readonly #instrumentation: Disposable;

  constructor(options: InstrumentOptions = {}) {
    const spanProcessors = [new SimpleSpanProcessor(this.#spans)];
    this.tracerProvider = new BasicTracerProvider({ spanProcessors });
    const exporter = this.#metrics;
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    this.meterProvider = new MeterProvider({ readers: [reader] });
    context.setGlobalContextManager(this.#manager);
    const { tracerProvider, meterProvider } = this;
    this.#instrumentation = instrument({ tracerProvider, meterProvider, ...options });
  }

  /** The spans that have ended, in the order in which they did. */
  get spans(): ReadableSpan[] {
    return this.#spans.getFinishedSpans();
  }

  /** The only span of this name. */
  span(name: string): ReadableSpan {
    const found = this.spans.filter((span) => span.name === name);
    const [span] = found;
    if (!span || found.length > 1) throw new Error(`${found.length} spans have the name ${name}`);
    return span;
  }

  /** Calls a function within a span of the application's own. */
  within<Result>(name: string, callback: () => Promise<Result>): Promise<Result> {
    return this.tracerProvider.getTracer("app").startActiveSpan(name, async (span) => {
      try {
        return await callback();
      } finally {
        span.end();
      }
    });
  }

  async points(name: string): Promise<Point[]> {
    await this.meterProvider.forceFlush();
    const scopes = this.#metrics.getMetrics().at(-1)?.scopeMetrics ?? [];
    const data = scopes
      .flatMap(({ metrics }) => metrics)
      .find((one) => one.descriptor.name === name);
    return (data?.dataPoints ?? []).map(({ attributes, value }) =>
      typeof value === "number"
        ? { attributes, sum: value, count: undefined }
        : { attributes, sum: Number(Reflect.get(value, "sum")), count: value.count },
    );
  }

  /** Everything that was exported, as text. */
  async everything(): Promise<string> {
    await this.meterProvider.forceFlush();
    const spans = this.spans.map(({ name, attributes, events, status }) => {
      return { name, attributes, events, status };
    });
    return JSON.stringify([spans, this.#metrics.getMetrics()]);
  }

  /** Ends what `instrument()` has begun. */
  dispose(): void {
    this.#instrumentation[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
    await this.tracerProvider.shutdown();
    await this.meterProvider.shutdown();
    context.disable();
    trace.disable();
  }
}

export function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId;
}

export function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}
