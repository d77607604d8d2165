import {
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
} from "@opentelemetry/api";
import { attempt } from "./guarded.js";
import type { OpenSpan } from "./open-spans.js";
import type { Recording } from "./recording.js";
import { attributes, own } from "./semantic-conventions.js";

/** The span of one operation, which ends once. */
export class OperationSpan implements OpenSpan {
  /** Undefined when the tracer has failed: what belongs to the operation hangs where it would have hung itself. */
  readonly span: Span | undefined;
  readonly context: Context;
  readonly #recording: Recording;
  #isOver = false;

  constructor(recording: Recording, name: string, options: SpanOptions, parent: Context) {
    this.#recording = recording;
    this.span = attempt(() => recording.tracer.startSpan(name, options, parent));
    this.context = this.span ? trace.setSpan(parent, this.span) : parent;
    recording.open.add(this);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  set(known: Attributes): void {
    attempt(() => this.span?.setAttributes(known));
  }

  cutShort(): void {
    this.end({ [own.cutShort]: true });
  }

  /** Ends it with what is known by now. Returns false when it was over before. */
  end(known: Attributes, errorType?: string): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#recording.open.delete(this);
    this.set({ ...known, ...failedWith(errorType) });
    if (errorType !== undefined) {
      attempt(() => this.span?.setStatus({ code: SpanStatusCode.ERROR }));
    }
    attempt(() => {
      this.span?.end();
    });
    return true;
  }
}

/** What a span or a figure says of a failure; nothing when there was none. */
export function failedWith(errorType: string | undefined): Attributes {
  return errorType === undefined ? {} : { [attributes.errorType]: errorType };
}
