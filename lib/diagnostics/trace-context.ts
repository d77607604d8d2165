import { checkObject, type RulesOf } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

/**
 * The trace that a request belongs to, in the form of the W3C's Trace Context; the server's own spans then
 * belong to it, too. It is sent beside the params. Without a `traceparent` nothing is sent.
 */
export interface TraceContext {
  /**
   * Version, trace, parent and flags in hexadecimal digits:
   * `"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"`.
   */
  readonly traceparent?: string | null | undefined;
  /** Notes of tracing systems: `"vendor=value"`, at most 32 of them, with commas between. */
  readonly tracestate?: string | null | undefined;
}

/** The trace of a call that sends requests. */
export interface Traced {
  /** The trace that the request belongs to (default: none). */
  trace?: TraceContext | undefined;
}

/** Neither the trace nor the parent may be all zeros; later versions than 00 may have more at the end. */
const traceparentForm =
  /^([\da-f]{2})-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(-[\x21-\x7e]*)?$/;

const memberForm =
  /^[a-z\d][a-z\d_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

const maxMembers = 32;

const traceRules: RulesOf<TraceContext> = {
  traceparent: {
    fits: (value) => isNothing(value) || isTraceparent(value),
    problem:
      'must have the form of "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", in lower case',
  },
  tracestate: {
    fits: (value) => isNothing(value) || isTracestate(value),
    problem: `must be at most ${maxMembers} times "key=value", with commas between`,
  },
};

/**
 * The server takes a malformed trace without a word, and does not answer at all when it is of another type.
 *
 * @throws InvalidArgumentError for anything else than a trace or undefined.
 */
export function checkTrace(trace: unknown): asserts trace is TraceContext | undefined {
  if (trace === undefined) return;
  checkObject("trace", trace, traceRules);
  const { traceparent, tracestate } = trace as TraceContext;
  if (isNothing(traceparent) && !isNothing(tracestate)) {
    throw new InvalidArgumentError("trace.tracestate", "must not be given without a traceparent");
  }
}

/** The part of a trace that is sent, as JSON; undefined for none. @throws InvalidArgumentError */
export function encodeTrace(trace: TraceContext | undefined): string | undefined {
  checkTrace(trace);
  const { traceparent, tracestate } = trace ?? {};
  if (isNothing(traceparent)) return undefined;
  return JSON.stringify(tracestate ? { traceparent, tracestate } : { traceparent });
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isTraceparent(value: unknown): boolean {
  const [, version, more] = (typeof value === "string" && traceparentForm.exec(value)) || [];
  if (version === undefined || version === "ff") return false;
  return version !== "00" || more === undefined;
}

function isTracestate(value: unknown): boolean {
  if (typeof value !== "string") return false;
  const members = value.split(",").map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ""));
  // Empty ones may stand between the commas, and count.
  const areGood = members.every((member) => member === "" || memberForm.test(member));
  return areGood && members.length <= maxMembers;
}
