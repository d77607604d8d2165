import type { TurnError } from "../../generated/types.js";
import { partsOf } from "../errors/server-sentences.js";
import type { ServerNotification, TurnEvent } from "../protocol.js";
import type { TurnRetry } from "../results/turn-state.js";
import { readReason } from "../results/turn-failure-reason.js";

/** The `error` notification of a server that tries again; the turn goes on. */
export type RetryNotice = ServerNotification<"error"> & {
  readonly params: { readonly willRetry: true };
};

/**
 * Whether an event says that the model could not be reached, or broke off, and that the server tries
 * again (`error` with `willRetry`). A model that cannot be reached at all is tried without end: what
 * ends such a turn is its `timeoutMs`. `turn.state.retry` has the same in a more readable form.
 */
export function isRetryNotice(event: {
  readonly method: string;
  readonly params?: unknown;
}): event is RetryNotice {
  if (event.method !== "error") return false;
  const { willRetry } = (event.params ?? {}) as { willRetry?: unknown };
  return willRetry === true;
}

/** What is known of the server's attempts after this event. */
export function nextRetry(before: TurnRetry | null, event: TurnEvent): TurnRetry | null {
  if (isRetryNotice(event)) return countNotice(before, event);
  return before && showsNoLife.has(event.method) ? before : null;
}

/** What may come while the model cannot be reached: it is not the model's. */
const showsNoLife = new Set<string>([
  "item/commandExecution/outputDelta",
  "serverRequest/resolved",
  "connection/gap",
  "warning",
  "guardianWarning",
]);

function countNotice(before: TurnRetry | null, { params, emittedAtMs }: RetryNotice): TurnRetry {
  // What a server sends need not be what the type says.
  const { error }: { error: unknown } = params;
  const { message, codexErrorInfo } = (error ?? {}) as Partial<TurnError>;
  const text = typeof message === "string" ? message : "";
  const [attempt = null, maxAttempts = null] = partsOf(text, "attemptOf") ?? [];
  return {
    message: text,
    reason: readReason(codexErrorInfo ?? null),
    attempt: attempt === null ? null : Number(attempt),
    maxAttempts: maxAttempts === null ? null : Number(maxAttempts),
    count: (before?.count ?? 0) + 1,
    sinceMs: before ? before.sinceMs : (emittedAtMs ?? null),
  };
}
