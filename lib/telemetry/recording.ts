import {
  trace,
  type Attributes,
  type Context,
  type MeterProvider,
  type Span,
  type Tracer,
  type TracerProvider,
} from "@opentelemetry/api";
import type { ToolOperation, TurnOperation } from "../index.js";
import { SDK_VERSION } from "../version.js";
import { Instruments, scopeName } from "./instruments.js";
import { OpenSpans } from "./open-spans.js";
import { attributes } from "./semantic-conventions.js";

/** A span that is open, and the context in which it is the active one. */
interface SpanPlace {
  readonly span: Span | undefined;
  readonly context: Context;
}

/** The span of a turn. */
interface TurnPlace extends SpanPlace {
  readonly isOver: boolean;
}

/** The span of a tool call. */
interface ToolPlace extends SpanPlace {
  /** The tool has run in this process. */
  ran(tool: ToolOperation): void;
}

export interface RecordingOptions {
  readonly tracerProvider: TracerProvider | undefined;
  readonly meterProvider: MeterProvider | undefined;
  readonly captureContent: boolean;
  readonly requestSpans: boolean;
  readonly providerName: string;
}

/** What all parts of one `instrument()` share: where spans and figures go, and which are open. */
export class Recording {
  readonly captureContent: boolean;
  readonly requestSpans: boolean;
  /** What every span and figure of a turn says. */
  readonly provider: Attributes;
  readonly tracer: Tracer;
  readonly instruments: Instruments;
  readonly open = new OpenSpans();
  /** The tool calls that are under way, by thread and item. */
  readonly tools = new Map<string, ToolPlace>();
  /** The spans of turns, over or not: a sub-agent's may begin when that of its caller is over. */
  readonly turns = new WeakMap<TurnOperation, TurnPlace>();

  constructor(options: RecordingOptions) {
    this.captureContent = options.captureContent;
    this.requestSpans = options.requestSpans;
    this.provider = { [attributes.provider]: options.providerName };
    const tracerProvider = options.tracerProvider ?? trace.getTracerProvider();
    this.tracer = tracerProvider.getTracer(scopeName, SDK_VERSION);
    this.instruments = new Instruments(options.meterProvider);
  }

  turnSpan(turn: TurnOperation | undefined): TurnPlace | undefined {
    return turn && this.turns.get(turn);
  }
}

/** Seconds since a time in milliseconds of the epoch. */
export function secondsSince(startedAtMs: number): number {
  return Math.max(0, Date.now() - startedAtMs) / 1_000;
}
