import { Deferred } from "../../async/deferred.js";
import type { HoldPart, ReplyPart, ReplyStep } from "./reply.js";

/** Waits `ms` milliseconds before the next part. Prefer `hold()` where a test can wait for an event. */
export function delay(ms: number): ReplyPart {
  return { steps: () => [{ do: "wait", ms }] };
}

/**
 * Holds the stream until the test calls `release()`.
 *
 * ```ts
 * const gate = reply.hold();
 * model.enqueue([reply.text(["Wor", gate, "king"])]);
 * await gate.reached;   // "Wor" is out, the turn is running
 * gate.release();
 * ```
 */
export function hold(): HoldPart {
  const reached = new Deferred<void>();
  const released = new Deferred<void>();
  const gate: HoldPart = {
    reached: reached.promise,
    released: released.promise,
    arrive: () => {
      reached.resolve();
    },
    release: () => {
      released.resolve();
    },
    steps: (): readonly ReplyStep[] => [{ do: "hold", hold: gate }],
  };
  return gate;
}
