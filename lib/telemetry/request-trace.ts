import { isSpanContextValid, trace, type Context } from "@opentelemetry/api";
import type { TraceContext } from "../index.js";

/** A context of OpenTelemetry's in the form of the W3C; undefined when it has no span that others could belong to. */
export function toTraceContext(active: Context): TraceContext | undefined {
  const span = trace.getSpanContext(active);
  if (!span || !isSpanContextValid(span)) return undefined;
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, "0");
  const tracestate = span.traceState?.serialize();
  return {
    traceparent: `00-${span.traceId}-${span.spanId}-${flags}`,
    ...(tracestate ? { tracestate } : {}),
  };
}
